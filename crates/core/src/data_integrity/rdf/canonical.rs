//! The algorithm RDFC-1.0 (RDF Dataset Canonicalization 1.0 §4), with a budget.
//!
//! It is written out here instead of taken from a library because a poisoned dataset must be refused
//! after a number of steps that is known beforehand, and because its digests go through the crypto door.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Dataset, Node, RdfError, dataset::Quad};
use crate::crypto::{CryptoProvider, HashAlgorithm};

/// The most digests and permutations that telling blank nodes apart may take. The hardest of the official
/// tests takes more than 8,000; a credential hardly ever takes one.
const MAX_STEPS: usize = 30_000;

/// A dataset in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalDataset {
    lines: Vec<String>,
    labels: Vec<(String, String)>,
}

impl CanonicalDataset {
    /// The quads as N-Quads, in code point order, each with its line feed.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The whole document.
    pub fn to_n_quads(&self) -> String {
        self.lines.concat()
    }

    /// Which canonical label each blank node has that came with a label, both without `_:`.
    pub fn labels(&self) -> &[(String, String)] {
        &self.labels
    }
}

impl Dataset {
    /// Brings the dataset into its canonical form.
    ///
    /// # Errors
    /// [`RdfError::TooMuchWork`] for a poisoned dataset.
    pub fn canonicalize(
        &self,
        algorithm: HashAlgorithm,
        provider: &dyn CryptoProvider,
    ) -> Result<CanonicalDataset, RdfError> {
        self.canonicalize_under(algorithm, provider, &|label| Some(label.to_owned()))
    }

    /// Brings the dataset into its canonical form, and then puts other labels in the place of the canonical
    /// ones.
    pub(in super::super) fn canonicalize_under(
        &self,
        algorithm: HashAlgorithm,
        provider: &dyn CryptoProvider,
        other: &dyn Fn(&str) -> Option<String>,
    ) -> Result<CanonicalDataset, RdfError> {
        let mut run = Run::new(self, algorithm, provider);
        run.label()?;
        run.finish(other)
    }

    /// The quads with these labels in the place of those that the blank nodes came with, in code point order.
    pub(in super::super) fn lines_under(
        &self,
        labels: &HashMap<String, String>,
    ) -> Result<Vec<String>, RdfError> {
        let label = |came: &Option<Arc<str>>| {
            let label = labels.get(came.as_deref()?)?;
            Some(format!("_:{label}"))
        };
        let labels: Vec<_> = self
            .blank_nodes
            .iter()
            .map(label)
            .collect::<Option<_>>()
            .ok_or(RdfError::Unlabelled)?;
        let name = |blank: u32| labels.get(blank as usize).map_or("", String::as_str);
        Ok(sorted(self.quads.iter().map(|quad| self.write(quad, name)).collect()))
    }

    /// One quad as a line of N-Quads.
    fn write<'n>(&self, quad: &Quad, name: impl Fn(u32) -> &'n str) -> String {
        let mut line = String::with_capacity(256);
        let mut add = |node: Node| {
            match node {
                Node::Blank(blank) => line.push_str(name(blank)),
                Node::Written(term) => line.push_str(self.written(term)),
            }
            line.push(' ');
        };
        add(quad.subject);
        add(Node::Written(quad.predicate.0));
        add(quad.object);
        quad.graph.map(add);
        line.push_str(".\n");
        line
    }
}

/// RDFC-1.0 §5: in code point order, each once.
fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// Hands out labels in the order in which they are asked for (RDFC-1.0 §4.5).
#[derive(Clone, Debug)]
struct Issuer {
    prefix: &'static str,
    /// The blank nodes that have a label: the n-th has the label n.
    order: Vec<u32>,
}

impl Issuer {
    const fn new(prefix: &'static str) -> Self {
        Self { prefix, order: Vec::new() }
    }

    fn label(&self, blank: u32) -> Option<String> {
        let number = self.order.iter().position(|issued| *issued == blank)?;
        Some(format!("{}{number}", self.prefix))
    }

    fn issue(&mut self, blank: u32) -> String {
        if let Some(label) = self.label(blank) {
            return label;
        }
        self.order.push(blank);
        format!("{}{}", self.prefix, self.order.len() - 1)
    }
}

struct Run<'d> {
    dataset: &'d Dataset,
    algorithm: HashAlgorithm,
    provider: &'d dyn CryptoProvider,
    /// Each quad once.
    quads: Vec<Quad>,
    /// For each blank node, the quads that it is in (§4.4.3 step 2).
    quads_of: Vec<Vec<Quad>>,
    /// For each blank node, the hash of its first degree quads.
    first_degree: Vec<String>,
    canonical: Issuer,
    steps: usize,
}

impl<'d> Run<'d> {
    fn new(
        dataset: &'d Dataset,
        algorithm: HashAlgorithm,
        provider: &'d dyn CryptoProvider,
    ) -> Self {
        let mut quads = dataset.quads.clone();
        quads.sort_unstable();
        quads.dedup();
        let mut quads_of: Vec<Vec<Quad>> = vec![Vec::new(); dataset.blank_nodes.len()];
        for quad in &quads {
            for (blank, _) in blank_nodes(quad) {
                // a quad is in the list of a blank node once, wherever in it the node stands
                if let Some(quads) = quads_of.get_mut(blank as usize)
                    && quads.last() != Some(quad)
                {
                    quads.push(*quad);
                }
            }
        }
        Self {
            dataset,
            algorithm,
            provider,
            quads,
            quads_of,
            first_degree: Vec::new(),
            canonical: Issuer::new("c14n"),
            steps: 0,
        }
    }

    /// RDFC-1.0 §4.4.3: gives every blank node its canonical label.
    fn label(&mut self) -> Result<(), RdfError> {
        // 3. the hash of each blank node by the quads around it
        let blank_nodes = 0..self.quads_of.len() as u32;
        self.first_degree =
            blank_nodes.clone().map(|blank| self.hash_first_degree(blank)).collect();
        let mut by_hash: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (hash, blank) in self.first_degree.iter().zip(blank_nodes) {
            // a blank node that no quad mentions needs no label
            if self.quads_of.get(blank as usize).is_some_and(|quads| !quads.is_empty()) {
                by_hash.entry(hash).or_default().push(blank);
            }
        }
        // 4. those that this tells apart, in the order of their hashes
        let mut canonical = Issuer::new("c14n");
        let mut shared = Vec::new();
        for blank_nodes in by_hash.into_values() {
            match blank_nodes.as_slice() {
                [one] => {
                    canonical.issue(*one);
                }
                _ => shared.push(blank_nodes),
            }
        }
        self.canonical = canonical;
        // 5. the others, by what is further around them
        for blank_nodes in shared {
            let mut paths = Vec::new();
            for blank in blank_nodes {
                // 5.2.1
                if self.canonical.label(blank).is_some() {
                    continue;
                }
                let mut issuer = Issuer::new("b");
                issuer.issue(blank);
                paths.push(self.hash_n_degree(blank, &issuer)?);
            }
            paths.sort_by(|(one, _), (other, _)| one.cmp(other));
            for (_, issuer) in paths {
                for blank in issuer.order {
                    self.canonical.issue(blank);
                }
            }
        }
        Ok(())
    }

    /// RDFC-1.0 §4.6.
    fn hash_first_degree(&self, blank: u32) -> String {
        let quads = self.quads_of.get(blank as usize).map_or(&[][..], Vec::as_slice);
        let name = |other: u32| if other == blank { "_:a" } else { "_:z" };
        let mut lines: Vec<_> = quads.iter().map(|quad| self.dataset.write(quad, name)).collect();
        lines.sort_unstable();
        self.hash(&lines.concat())
    }

    /// RDFC-1.0 §4.7.
    fn hash_related(&self, related: u32, quad: &Quad, issuer: &Issuer, position: char) -> String {
        let mut input = String::from(position);
        if position != 'g' {
            input.push_str(self.dataset.written(quad.predicate.0));
        }
        match self.canonical.label(related).or_else(|| issuer.label(related)) {
            Some(label) => {
                input.push_str("_:");
                input.push_str(&label);
            }
            None => input.push_str(self.first_degree.get(related as usize).map_or("", |hash| hash)),
        }
        self.hash(&input)
    }

    /// RDFC-1.0 §4.8.
    fn hash_n_degree(&mut self, blank: u32, issuer: &Issuer) -> Result<(String, Issuer), RdfError> {
        // 1. to 3. the blank nodes around this one, by the way they are related
        let mut by_hash: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for quad in self.quads_of.get(blank as usize).cloned().unwrap_or_default() {
            for (related, position) in blank_nodes(&quad).filter(|(other, _)| *other != blank) {
                self.step()?;
                let hash = self.hash_related(related, &quad, issuer, position);
                by_hash.entry(hash).or_default().push(related);
            }
        }
        // 5. the shortest and then smallest path through each group of them
        let mut data = String::new();
        let mut issuer = issuer.clone();
        for (hash, mut group) in by_hash {
            data.push_str(&hash);
            group.sort_unstable();
            let mut chosen: Option<(String, Issuer)> = None;
            loop {
                self.step()?;
                let best = chosen.as_ref().map(|(path, _)| path.as_str());
                if let Some(better) = self.path(&group, &issuer, best)? {
                    chosen = Some(better);
                }
                if !next_permutation(&mut group) {
                    break;
                }
            }
            if let Some((path, chosen)) = chosen {
                data.push_str(&path);
                issuer = chosen;
            }
        }
        Ok((self.hash(&data), issuer))
    }

    /// RDFC-1.0 §4.8 (5.4): the path of one permutation, unless another is better.
    fn path(
        &mut self,
        permutation: &[u32],
        issuer: &Issuer,
        best: Option<&str>,
    ) -> Result<Option<(String, Issuer)>, RdfError> {
        let is_worse =
            |path: &str| best.is_some_and(|best| path.len() >= best.len() && path > best);
        let mut issuer = issuer.clone();
        let mut path = String::new();
        let mut recursion = Vec::new();
        for related in permutation {
            self.step()?;
            path.push_str("_:");
            match self.canonical.label(*related) {
                Some(label) => path.push_str(&label),
                None => {
                    if issuer.label(*related).is_none() {
                        recursion.push(*related);
                    }
                    path.push_str(&issuer.issue(*related));
                }
            }
            if is_worse(&path) {
                return Ok(None);
            }
        }
        for related in recursion {
            let (hash, after) = self.hash_n_degree(related, &issuer)?;
            path.push_str("_:");
            path.push_str(&issuer.issue(related));
            path.push('<');
            path.push_str(&hash);
            path.push('>');
            issuer = after;
            if is_worse(&path) {
                return Ok(None);
            }
        }
        // 5.5
        Ok(best.is_none_or(|best| path.as_str() < best).then_some((path, issuer)))
    }

    fn step(&mut self) -> Result<(), RdfError> {
        self.steps += 1;
        // RDFC-1.0 §7.1: a poisoned dataset makes this take longer than anybody lives
        if self.steps > MAX_STEPS { Err(RdfError::TooMuchWork) } else { Ok(()) }
    }

    fn hash(&self, input: &str) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digest = self.provider.hash(self.algorithm, input.as_bytes());
        let digit = |four: u8| char::from(DIGITS[usize::from(four & 15)]);
        digest.as_bytes().iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
    }

    /// RDFC-1.0 §4.4.3 (6), §5: the quads under their canonical labels or others, in code point order.
    fn finish(self, other: &dyn Fn(&str) -> Option<String>) -> Result<CanonicalDataset, RdfError> {
        let mut labels = vec![String::new(); self.quads_of.len()];
        for (number, blank) in self.canonical.order.iter().enumerate() {
            let label = other(&format!("c14n{number}")).ok_or(RdfError::Unlabelled)?;
            if let Some(place) = labels.get_mut(*blank as usize) {
                *place = format!("_:{label}");
            }
        }
        let name = |blank: u32| labels.get(blank as usize).map_or("", String::as_str);
        let lines = self.quads.iter().map(|quad| self.dataset.write(quad, name)).collect();
        let came = self.dataset.blank_nodes.iter().zip(&labels);
        let labels = came
            .filter_map(|(came, label)| {
                Some((came.as_ref()?.to_string(), label.strip_prefix("_:")?.to_owned()))
            })
            .collect();
        Ok(CanonicalDataset { lines: sorted(lines), labels })
    }
}

/// The blank nodes in a quad, with their positions; a predicate is never one.
fn blank_nodes(quad: &Quad) -> impl Iterator<Item = (u32, char)> {
    let nodes = [(Some(quad.subject), 's'), (Some(quad.object), 'o'), (quad.graph, 'g')];
    nodes.into_iter().filter_map(|(node, position)| match node {
        Some(Node::Blank(blank)) => Some((blank, position)),
        _ => None,
    })
}

/// The next permutation in lexicographic order; false when this was the last.
fn next_permutation(list: &mut [u32]) -> bool {
    let Some(pivot) = list.windows(2).rposition(|pair| pair[0] < pair[1]) else {
        return false;
    };
    let Some(successor) = list.iter().rposition(|element| *element > list[pivot]) else {
        return false;
    };
    list.swap(pivot, successor);
    list[pivot + 1..].reverse();
    true
}
