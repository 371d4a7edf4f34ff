//! The lab itself: a text, a seed, and the world that they make.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::choices::{self, Choice};
use super::details::{self, Details};
use super::links;
use super::mischief::{self, Mischief};
use super::names::{self, ClientNames};
use super::outline::{self, OutlineEntry};
use super::own_rules::OwnRules;
use super::picture;
use super::probe::Probe;
use super::rules::{self, NodeRules};
use super::scene::{Client, Scene};
use super::slots::Slots;
use super::world::{self, World};
use super::{Settings, walk};
use crate::api::{Kind, ObjectRef, Origin};
use crate::cluster::Cluster;
use crate::console;
use crate::diagnostic::{Diagnostic, Span};
use crate::dns::{Answer, Question, Record, RecordType, ResolutionKind};
use crate::manifest::{self, Document};
use crate::net::IpFamily;
use crate::network::{Journey, NameLookup, Request, RequestError, Reuse, Tally};
use crate::proxy;
use crate::yaml;

mod history;
mod machine;

use history::History;

/// What became of an edit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// What there is to say about the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the world is made from this text. `false`: the text cannot be read, and the last
    /// good world goes on.
    pub applied: bool,
    /// The text with its lost indentation put back, when it was recognised.
    pub offer: Option<String>,
}

/// A session: the only thing of the engine that changes.
///
/// A copy has the same world; its Nodes remember nothing, and its draws begin anew.
#[derive(Clone, Debug)]
pub struct Lab {
    settings: Settings,
    /// The text, the objects that were read in it, and those that strict decoding refused.
    text: Rc<str>,
    documents: Vec<Document>,
    /// The text's objects of kinds that are not modelled.
    others: Vec<yaml::Node>,
    refused: BTreeSet<usize>,
    world: World,
    outcome: Outcome,
    /// What the person did since the text was opened, and what was taken back.
    history: History,
    /// What the console remembers from line to line.
    console: console::Session,
    /// What goes on beside its lines.
    live: console::Live,
    slots: Slots,
    /// Each Node's rules, made when they are first asked for.
    rules: BTreeMap<String, OnceCell<Option<Rc<NodeRules>>>>,
    /// What a person put in the place of a Node's rules.
    own_rules: Rc<BTreeMap<String, Rc<OwnRules>>>,
    wires: walk::Wires,
    /// Whether something is tried out: then no time passes.
    is_aside: bool,
}

impl Lab {
    /// A fresh cluster in which nobody applied anything.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mut lab = Self {
            settings,
            text: Rc::from(""),
            documents: Vec::new(),
            others: Vec::new(),
            refused: BTreeSet::new(),
            world: World::default(),
            outcome: Outcome::default(),
            history: History::default(),
            console: console::Session::default(),
            live: console::Live::default(),
            slots: Slots::default(),
            rules: BTreeMap::new(),
            own_rules: Rc::default(),
            wires: walk::Wires::default(),
            is_aside: false,
        };
        lab.open("");
        lab
    }

    /// Begins anew with a text: nothing of what was there before stays.
    pub fn open(&mut self, text: &str) -> &Outcome {
        self.documents.clear();
        self.world = World::default();
        self.history = History::of(&self.settings);
        self.console = console::Session::default();
        self.live = console::Live::default();
        self.slots = Slots::default();
        self.own_rules = Rc::default();
        self.wires = walk::Wires::default();
        self.edit(text);
        if !self.outcome.applied {
            // A fresh cluster is the last good world of a text that cannot be read.
            self.build(Vec::new(), BTreeSet::new());
        }
        &self.outcome
    }

    /// Takes a changed text. What did not change stays where it is; an object that would be refused
    /// stays as it was; a text that cannot be read changes nothing at all.
    pub fn edit(&mut self, text: &str) -> &Outcome {
        self.text = Rc::from(text);
        let reading = manifest::read(text);
        let offer = reading.repaired.map(|repair| repair.text);
        let mut diagnostics = reading.diagnostics;

        // An error inside a document is about its object; one outside of all is about the text.
        let mut refused = BTreeSet::new();
        let mut unreadable = false;
        for error in diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
        {
            let document = error.span.and_then(|span| {
                reading.documents.iter().position(|document| {
                    document.span.start.offset <= span.start.offset
                        && span.start.offset <= document.span.end.offset
                })
            });
            match document {
                Some(index) => {
                    refused.insert(index);
                }
                None => unreadable = true,
            }
        }
        if !unreadable {
            self.others = reading.others;
            diagnostics.extend(self.build(reading.documents, refused));
        }
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
        self.outcome = Outcome {
            diagnostics,
            applied: !unreadable,
            offer,
        };
        &self.outcome
    }

    /// What became of the last edit.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What the world is made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The cluster: its objects whole, its clock, what its controllers said.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        self.world.cluster()
    }

    /// Makes the world of documents, and does again what was done since the text was opened.
    fn build(&mut self, documents: Vec<Document>, refused: BTreeSet<usize>) -> Vec<Diagnostic> {
        let (world, mut diagnostics) =
            world::build(&documents, &refused, &self.settings, &self.world);
        self.documents = documents;
        self.refused = refused;
        self.world = world;
        self.renew();
        diagnostics.extend(names::complaints(&self.world, &self.documents));
        self.replay();
        self.wires.keep_clock(self.cluster().now());
        diagnostics
    }

    /// Takes in a changed world: what was worked out from the old one is forgotten.
    fn renew(&mut self) {
        let store = &self.world.store;
        // Nodes stand in the order of the text, which is not that of the store.
        let mut nodes: Vec<&str> = store
            .nodes()
            .map(|node| node.metadata.name.as_str())
            .collect();
        nodes.sort_by_key(|name| {
            self.world
                .document_of(&ObjectRef::new(Kind::Node, "", *name))
        });
        self.rules = nodes
            .iter()
            .map(|name| ((*name).to_owned(), OnceCell::new()))
            .collect();
        self.slots.update(
            nodes.into_iter(),
            store
                .pods()
                .filter(|pod| !picture::is_hidden(&self.world, pod))
                .map(|pod| (picture::reference(pod), pod.spec.node_name.as_str())),
        );
        let mut wires = std::mem::take(&mut self.wires);
        wires.world_changed(&self.world);
        self.wires = wires;
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The list of the text's objects.
    #[must_use]
    pub fn outline(&self) -> Vec<OutlineEntry> {
        outline::outline(&self.world, &self.documents)
    }

    /// Who stands on the street.
    #[must_use]
    pub fn street(&self) -> Vec<Client> {
        walk::street(&self.world)
    }

    /// The picture of the world.
    #[must_use]
    pub fn scene(&self) -> Scene {
        let counted = self.rules.len() <= crate::limits::MAX_COUNTED_NODES;
        picture::scene(&self.world, &self.slots, self.street(), |node| {
            counted.then(|| self.rules(node).map_or(0, |rules| rules.count()))
        })
    }

    /// The same without how many rules Nodes have: they need not be written for it.
    #[must_use]
    pub fn scene_without_rules(&self) -> Scene {
        picture::scene(&self.world, &self.slots, self.street(), |_| None)
    }

    /// What there is to say of one thing of the picture; `None` if it is not there.
    #[must_use]
    pub fn details(&self, object: &ObjectRef) -> Option<Details> {
        details::details(self, object)
    }

    /// Who can send.
    #[must_use]
    pub fn clients(&self) -> Vec<Choice> {
        choices::clients(&self.world, &self.street())
    }

    /// Where to send.
    #[must_use]
    pub fn targets(&self) -> Vec<Choice> {
        choices::targets(&self.world)
    }

    /// What one click sends in a fresh world; `None` where there is nothing to send to.
    #[must_use]
    pub fn suggestion(&self) -> Option<Request> {
        choices::suggestion(&self.world, &self.street())
    }

    /// What can be broken in the world as it is. `about` is the Service that is looked at.
    #[must_use]
    pub fn mischiefs(&self, about: Option<&ObjectRef>) -> Vec<Mischief> {
        mischief::mischiefs(&self.world, &self.street(), about)
    }

    /// The family whose addresses come first in the cluster.
    fn family(&self) -> IpFamily {
        (self.world.families().first().copied()).unwrap_or(IpFamily::IPv4)
    }

    /// What kube-proxy wrote on a Node for the other family of a dual-stack cluster; `None` as for
    /// [`Lab::rules`], and in a cluster of one family. It is made anew at each call.
    #[must_use]
    pub fn other_rules(&self, node: &str) -> Option<NodeRules> {
        self.rules.get(node)?;
        let other = self.world.families().get(1).copied()?;
        rules::of_node(&self.world, &self.settings, node, other).ok()
    }

    /// What kube-proxy wrote on a Node for one family; `None` as for [`Lab::rules`], and in a cluster
    /// that has not that family. For the one that comes second it is made anew at each call.
    #[must_use]
    pub fn rules_for(&self, node: &str, family: IpFamily) -> Option<Rc<NodeRules>> {
        if family == self.family() {
            return self.rules(node);
        }
        let other = self.other_rules(node)?;
        (other.set().family() == family).then(|| Rc::new(other))
    }

    /// What kube-proxy wrote on a Node, for the family that comes first; `None` for a Node that is not
    /// there, or on which it would not start.
    #[must_use]
    pub fn rules(&self, node: &str) -> Option<Rc<NodeRules>> {
        let make = || {
            rules::of_node(&self.world, &self.settings, node, self.family())
                .ok()
                .map(Rc::new)
        };
        self.rules.get(node)?.get_or_init(make).clone()
    }

    /// All that kube-proxy would program on a Node in a mode, as the recorded vectors hold it;
    /// `None` as for [`Lab::rules`].
    #[must_use]
    pub fn dump_rules(&self, node: &str, mode: proxy::Mode) -> Option<String> {
        self.rules.get(node)?;
        let set = rules::rule_set(&self.world, &self.settings, node, mode, self.family()).ok()?;
        Some(proxy::dump(&set))
    }

    /// Puts what `iptables-save` printed somewhere in the place of a Node's rules, until
    /// [`Lab::restore_rules`] or [`Lab::open`]. What `ipset save` printed there may stand in the
    /// same text. Lines that cannot be read are named, and what is not modelled in them is; a text
    /// that has no table at all is not applied. `None` if there is no such Node.
    pub fn replace_rules(&mut self, node: &str, text: &str) -> Option<Outcome> {
        if !self.rules.contains_key(node) {
            return None;
        }
        let (own, outcome) = OwnRules::read(text);
        if let Some(own) = own {
            Rc::make_mut(&mut self.own_rules).insert(node.to_owned(), Rc::new(own));
            self.wires = walk::Wires::default();
        }
        Some(outcome)
    }

    /// Gives a Node back the rules that kube-proxy wrote; `false` if it has them.
    pub fn restore_rules(&mut self, node: &str) -> bool {
        let had = self.own_rules.contains_key(node);
        if had {
            Rc::make_mut(&mut self.own_rules).remove(node);
            self.wires = walk::Wires::default();
        }
        had
    }

    /// What a person put in the place of a Node's rules.
    #[must_use]
    pub fn own_rules(&self, node: &str) -> Option<&Rc<OwnRules>> {
        self.own_rules.get(node)
    }

    /// What `iptables-save` would print on a Node; `None` as for [`Lab::rules`].
    #[must_use]
    pub fn save_rules(&self, node: &str) -> Option<String> {
        walk::tables(self, node).map(|tables| tables.save())
    }

    /// What `iptables -t TABLE -L -n` would print on a Node; `None` as for [`Lab::rules`], and if
    /// there is no such table.
    #[must_use]
    pub fn list_rules(&self, node: &str, table: &str) -> Option<String> {
        walk::tables(self, node)?.list(table)
    }

    /// Sends one request, and walks it through the rules.
    ///
    /// # Errors
    ///
    /// If the client or the target cannot be understood.
    pub fn send(&mut self, request: &Request) -> Result<Journey, RequestError> {
        let journey = self.with_wires(|wires, lab| wires.send(lab, request, Reuse::Close))?;
        self.live.note(&self.world, &journey);
        Ok(journey)
    }

    /// Sends one request by the connection that the client keeps open to this target, or opens
    /// one that stays open (keep-alive).
    ///
    /// # Errors
    ///
    /// As [`Lab::send`].
    pub fn send_keep_alive(&mut self, request: &Request) -> Result<Journey, RequestError> {
        let journey = self.with_wires(|wires, lab| wires.send(lab, request, Reuse::KeepAlive))?;
        self.live.note(&self.world, &journey);
        Ok(journey)
    }

    /// Sends so many requests, each by a connection of its own, and counts how they end.
    ///
    /// # Errors
    ///
    /// As [`Lab::send`]; more requests than [`crate::limits::MAX_REQUESTS`].
    pub fn send_many(&mut self, request: &Request, count: u32) -> Result<Tally, RequestError> {
        self.with_wires(|wires, lab| wires.send_many(lab, request, count))
    }

    /// Tells how a request would go, and sends nothing: the world stays as it is.
    ///
    /// # Errors
    ///
    /// As [`Lab::send`].
    pub fn rehearse(&mut self, request: &Request) -> Result<Journey, RequestError> {
        self.with_wires(|wires, lab| wires.rehearse(lab, request))
    }

    /// What time it is for connections and affinity, in milliseconds of virtual time. The clock is
    /// the cluster's, but never goes back when something is taken back.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.wires.now_ms(self.cluster().now())
    }

    /// Looks a name up as a client does: the addresses of it, or with a type the records of that
    /// type by the same search (`dig +search`). Nothing is sent to what was found.
    ///
    /// # Errors
    ///
    /// If the client cannot be understood.
    pub fn lookup(
        &mut self,
        from: &str,
        name: &str,
        record_type: Option<RecordType>,
    ) -> Result<NameLookup, RequestError> {
        self.with_wires(|wires, lab| wires.lookup(lab, from, name, record_type))
    }

    /// What the name in a request stands for now: how the search for it ends, and its addresses.
    /// `None` for an address, and for a request that cannot be understood. Nobody remembers that it
    /// was asked, so the same world gives the same answer.
    pub fn stands_for(&mut self, request: &Request) -> Option<(ResolutionKind, Vec<IpAddr>)> {
        let name = request.name().ok()??;
        let found = self.aside(|lab| lab.lookup(&request.from, &name, None));
        let resolution = found.ok()?.resolution;
        Some((resolution.verdict.kind, resolution.addresses))
    }

    /// What a client finds names with: its resolv.conf, its hosts file.
    ///
    /// # Errors
    ///
    /// If the client cannot be understood.
    pub fn client_names(&mut self, from: &str) -> Result<ClientNames, RequestError> {
        self.with_wires(|wires, lab| wires.client_names(lab, from))
    }

    /// The lines of the cluster's zone, Service by Service, as far as
    /// [`crate::limits::MAX_ZONE_RECORDS`]; none where CoreDNS does not run.
    pub fn zone(&mut self) -> Vec<Record> {
        self.with_wires(walk::Wires::zone)
    }

    /// A question put to CoreDNS itself, past all wires.
    ///
    /// # Errors
    ///
    /// Why CoreDNS does not run.
    pub fn dig(&mut self, question: &Question) -> Result<Answer, String> {
        self.with_wires(|wires, lab| wires.dig(lab, question))
    }

    fn with_wires<T>(&mut self, act: impl FnOnce(&mut walk::Wires, &Self) -> T) -> T {
        self.set_clock();
        let mut wires = std::mem::take(&mut self.wires);
        let result = act(&mut wires, self);
        let passed = wires.take_passed();
        self.wires = wires;
        self.pass(passed);
        result
    }

    /// Time passes while a request is under way, in milliseconds: what is due meanwhile happens.
    fn pass(&mut self, ms: u64) {
        if self.is_aside {
            return;
        }
        let cluster = self.cluster();
        let until = cluster.now().saturating_add(ms);
        let happens = cluster.next_event().is_some_and(|at| at <= until);
        self.world.pass(ms, happens);
        if happens {
            self.renew();
        }
        self.set_clock();
    }

    /// Sets the wires' clock by the cluster's. While lines are run again it stands still: that time
    /// has passed already.
    fn set_clock(&mut self) {
        if !self.is_replaying() {
            self.wires.set_clock(self.world.cluster().now());
        }
    }

    /// The text's objects of modelled kinds, as they were read.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The text's objects of kinds that are not modelled, as they were read.
    #[must_use]
    pub fn others(&self) -> &[yaml::Node] {
        &self.others
    }

    /// Wires of their own, to try something out.
    #[must_use]
    pub fn probe(&self) -> Probe<'_> {
        Probe::new(self)
    }

    /// Lets somebody try things out: what the machines would remember of the requests is forgotten
    /// afterwards, no time has passed, and the next draw is as if nothing had been sent.
    pub fn aside<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let memory = self.wires.memory();
        let was_aside = std::mem::replace(&mut self.is_aside, true);
        let result = act(self);
        self.is_aside = was_aside;
        self.wires.remember(memory);
        result
    }

    /// Where a field stands in the text, or what made it.
    #[must_use]
    pub fn place(&self, origin: &Origin) -> Option<Span> {
        links::place(&self.world, &self.documents, origin)
    }

    /// The objects that a line of the text is about, the one written there first.
    #[must_use]
    pub fn objects_at(&self, line: u32) -> Vec<ObjectRef> {
        links::objects_at(&self.world, &self.documents, line)
    }
}
