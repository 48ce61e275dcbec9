//! A server that runs out of open files.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use lanyard_cli::serve::accept::Limits;

use super::peer::{GET, PATIENCE, Peer, Server, status};

const CHILD: &str = "LANYARD_TEST_OUT_OF_FILES";

#[test]
fn a_server_out_of_files_waits_and_recovers() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if std::env::var_os(CHILD).is_some() {
        return runtime.block_on(serve_without_files());
    }
    // The limit is the process's own, so the server needs a process of its own: this test again, with few files.
    let myself = std::env::current_exe().expect("a path");
    let name = std::thread::current().name().expect("tests have names").to_owned();
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .arg(myself)
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    // Held to the end: the child would fail to write to a closed pipe.
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("listening on ").map(|(_, address)| address.to_owned()))
        .expect("the child listens");

    runtime.block_on(async {
        let mut peers = Vec::new();
        for _ in 0..20 {
            let mut peer =
                Peer(tokio::net::TcpStream::connect(&address).await.expect("the backlog takes it"));
            peer.send(GET).await;
            peers.push(peer);
        }
        // With three files left, three are served and the last must wait.
        assert_eq!(status(&peers[0].answer().await), 200);
        let last = peers.last_mut().expect("twenty");
        assert!(tokio::time::timeout(Duration::from_millis(300), last.answer()).await.is_err());
        child.stdin.as_mut().expect("piped").write_all(b"give back\n").expect("the child lives");
        for peer in &mut peers[1..] {
            assert_eq!(status(&peer.answer().await), 200);
        }
    });
    drop(child.stdin.take());
    assert!(child.wait().expect("the child ends").success());
}

async fn serve_without_files() {
    let server = Server::with(Limits::default()).await;
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    hoard.truncate(hoard.len() - 3);
    println!("listening on {}", server.address);
    let (told, mut tell) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            if line.is_err() || told.send(()).is_err() {
                return;
            }
        }
    });
    tell.recv().await;
    hoard.clear();
    // Until the parent has seen enough and closes the pipe.
    tokio::time::timeout(PATIENCE, tell.recv()).await.expect("the parent is done in time");
}
