//! `lanyard credentials`, `lanyard messages` and `lanyard erase`: what was issued, who was told, what is forgotten.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Ending;
use super::integrate::{ServerArgs, integrator, json_of, refused, text};
use crate::integrator::Integrator;

/// `lanyard credentials`
#[derive(Debug, Args)]
pub struct CredentialsArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: CredentialsCommand,
}

/// What can be done with issued credentials.
#[derive(Debug, Subcommand)]
pub enum CredentialsCommand {
    /// List them, newest first
    List {
        /// Only those about this subject: the reference that was given with the offer
        #[arg(long)]
        subject: Option<String>,
        /// Only those of this configuration
        #[arg(long = "type", value_name = "ID")]
        configuration: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
    /// Show one, and what became of it
    Show {
        /// Its identifier
        id: String,
    },
    /// Suspend: not valid until it is reinstated
    Suspend(Which),
    /// Make valid again what was suspended
    Reinstate(Which),
    /// Revoke, for good
    Revoke(Which),
    /// Offer one anew with fresh claims; the old one is revoked
    Reissue {
        /// Its identifier
        id: String,
        /// The claims: a JSON object, or @file.json
        #[arg(long)]
        claims: String,
        /// Ask the holder for a transaction code
        #[arg(long)]
        tx_code: bool,
        /// Leave the old one as it is
        #[arg(long)]
        keep_old: bool,
    },
}

/// Which credentials.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Which {
    /// The identifier of one
    pub id: Option<String>,
    /// All about this subject: the reference that was given with the offer
    #[arg(long, conflicts_with = "id")]
    pub subject: Option<String>,
    /// All of this configuration
    #[arg(long = "type", value_name = "ID", conflicts_with = "id")]
    pub configuration: Option<String>,
    /// Why: a word such as left_company
    #[arg(long)]
    pub reason: Option<String>,
}

/// `lanyard messages`
#[derive(Debug, Args)]
pub struct MessagesArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: MessagesCommand,
}

/// What can be done with messages to webhooks.
#[derive(Debug, Subcommand)]
pub enum MessagesCommand {
    /// List them, newest first
    List {
        /// Only those that are waiting, delivered or dead
        #[arg(long)]
        state: Option<String>,
    },
    /// Have one delivered again
    Redeliver {
        /// Its identifier
        id: String,
    },
}

/// `lanyard erase`
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Whom: the reference that was given with the offers
    #[arg(long)]
    pub subject: String,
}

pub(super) async fn credentials(args: &CredentialsArgs) -> Ending {
    let done = async {
        let api = integrator(&args.server)?;
        match &args.command {
            CredentialsCommand::List { subject, configuration, limit } => {
                let mut wanted = json!({ "limit": limit });
                if let Some(subject) = subject {
                    wanted["subject"] = json!(subject);
                }
                if let Some(configuration) = configuration {
                    wanted["configuration"] = json!(configuration);
                }
                let page = api.create("credentials/search", &wanted).await.map_err(refused)?;
                Ok(Ending::done(lines(&page, "credentials", credential_line), page))
            }
            CredentialsCommand::Show { id } => {
                let found = api.read(&format!("credentials/{id}")).await.map_err(refused)?;
                Ok(Ending::done(shown(&found), found))
            }
            CredentialsCommand::Suspend(which) => change(&api, "suspend", which).await,
            CredentialsCommand::Reinstate(which) => change(&api, "reinstate", which).await,
            CredentialsCommand::Revoke(which) => change(&api, "revoke", which).await,
            CredentialsCommand::Reissue { id, claims, tx_code, keep_old } => {
                let claims = json_of("--claims", claims)?;
                let body = json!({ "claims": claims, "tx_code": tx_code, "keep_old": keep_old });
                let place = format!("credentials/{id}/reissue");
                let made = api.create(&place, &body).await.map_err(refused)?;
                let code = text(&made, "tx_code").map(|code| format!("\nTransaction code: {code}"));
                let link = text(&made, "link").unwrap_or_default();
                let id = text(&made, "id").unwrap_or_default();
                Ok(Ending::done(format!("{id}\n{link}{}", code.unwrap_or_default()), made))
            }
        }
    };
    done.await.unwrap_or_else(|ending: Ending| ending)
}

/// One credential by its name, or all that a subject or a configuration has.
async fn change(api: &Integrator, verb: &str, which: &Which) -> Result<Ending, Ending> {
    let mut body = json!({});
    for (name, value) in [
        ("subject", &which.subject),
        ("configuration", &which.configuration),
        ("reason", &which.reason),
    ] {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    let place = match &which.id {
        Some(id) => format!("credentials/{id}/{verb}"),
        None => format!("credentials/{verb}"),
    };
    let answer = api.create(&place, &body).await.map_err(refused)?;
    let text = match answer.get("changed").and_then(Value::as_array) {
        Some(changed) => format!("{verb}: {} credential(s)", changed.len()),
        None => shown(&answer),
    };
    Ok(Ending::done(text, answer))
}

pub(super) async fn erase(args: &EraseArgs) -> Ending {
    let done = async {
        let api = integrator(&args.server)?;
        let body = json!({ "subject": args.subject });
        let erased = api.create("subjects/erase", &body).await.map_err(refused)?;
        let count = |name: &str| erased.get(name).and_then(Value::as_array).map_or(0, Vec::len);
        let text = format!(
            "Erased: {} session(s), {} credential record(s). Proof: {}",
            count("sessions"),
            count("credentials"),
            text(&erased, "proof").unwrap_or_default()
        );
        Ok(Ending::done(text, erased))
    };
    done.await.unwrap_or_else(|ending: Ending| ending)
}

pub(super) async fn messages(args: &MessagesArgs) -> Ending {
    let done = async {
        let api = integrator(&args.server)?;
        match &args.command {
            MessagesCommand::List { state } => {
                let query = state.as_ref().map(|state| format!("?state={state}"));
                let place = format!("messages{}", query.unwrap_or_default());
                let page = api.read(&place).await.map_err(refused)?;
                Ok(Ending::done(lines(&page, "messages", message_line), page))
            }
            MessagesCommand::Redeliver { id } => {
                let place = format!("messages/{id}/redeliver");
                api.create(&place, &json!({})).await.map_err(refused)?;
                Ok(Ending::done("It is delivered again.", json!({ "id": id })))
            }
        }
    };
    done.await.unwrap_or_else(|ending: Ending| ending)
}

fn lines(page: &Value, name: &str, line: fn(&Value) -> String) -> String {
    let all = page.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    if all.is_empty() {
        return "None.".to_owned();
    }
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn credential_line(one: &Value) -> String {
    let word = |name: &str| text(one, name).unwrap_or_else(|| "-".to_owned());
    format!(
        "{}  {:9}  {}  {}",
        word("id"),
        word("status"),
        word("issued_at"),
        word("configuration")
    )
}

fn message_line(one: &Value) -> String {
    let word = |name: &str| text(one, name).unwrap_or_else(|| "-".to_owned());
    let outcome = word("outcome");
    format!("{}  {:9}  {}  {}  {outcome}", word("id"), word("state"), word("webhook"), word("type"))
}

fn shown(credential: &Value) -> String {
    let history = credential.get("history").and_then(Value::as_array).cloned().unwrap_or_default();
    let entries = history.iter().map(|entry| {
        let word = |name: &str| text(entry, name).unwrap_or_default();
        format!("\n  {}  {}  {}", word("at"), word("status"), word("reason"))
    });
    format!("{}{}", credential_line(credential), entries.collect::<String>())
}
