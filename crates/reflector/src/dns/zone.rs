//! One question in, one answer out (RFC 1035 section 4, EDNS(0) of RFC 6891, client subnet of RFC 7871).
//!
//! | name | answer |
//! |---|---|
//! | `LABEL.ZONE` | A or AAAA: the asking address, as far as it is of that kind; TXT: the same as text, and the client subnet |
//! | `ZONE` | SOA, NS |
//! | `ns.ZONE`, if that is this server's name | A or AAAA: its own address |
//! | anything else in the zone | NXDOMAIN |
//! | outside of the zone, other classes, zone transfers | REFUSED |
//!
//! The time to live is zero throughout, so that no cache answers in our stead; negative answers carry the SOA record
//! (RFC 2308 section 3) whose minimum is zero too. A question of type ANY is answered as one of type A (a subset of the
//! records will do, RFC 8482 section 4.1).

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::rr::rdata::{A, AAAA, NS, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use ipnet::IpNet;
use model::{AskedBy, HostName};

use super::askers::{Askers, Label};
use crate::Error;
use crate::rate::Rate;

/// What every resolver takes over UDP without EDNS (RFC 1035 section 2.3.4).
pub(super) const ANSWER_LIMIT: usize = 512;
/// How much longer than its question an answer over UDP may be: the SOA record of a name server with a name of ordinary length fits.
/// Whoever runs one with a long name in another zone has resolvers come again over TCP, where addresses cannot be forged.
pub(super) const EXCESS_LIMIT: usize = 128;
/// The largest datagram that we say we take: it fits the smallest packet of IPv6 (RFC 6891 section 6.2.5 leaves the choice).
pub(super) const QUESTION_LIMIT: usize = 1232;
/// The longest name of a zone, and of its name server, in characters: there is room left for a label, and for `ns` and
/// `hostmaster`.
const ZONE_LIMIT: usize = 160;
/// Nothing of ours is to be answered from a cache.
const TIME_TO_LIVE: u32 = 0;

/// Finds the address that this machine answers an asker from: seldom needed, and not for nothing.
type Own<'a> = &'a dyn Fn() -> Option<IpAddr>;

/// What a question came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    /// The sender address may be forged, so an answer must not be much longer than its question.
    Udp,
    Tcp,
}

/// The zone, and who asked for its labels.
#[derive(Debug)]
pub(crate) struct Zone {
    /// Answers over UDP, on all sockets.
    pub(super) rate: Rate,
    host: HostName,
    name: Name,
    server: Name,
    askers: Mutex<Askers>,
}

impl Zone {
    pub(crate) fn new(zone: &HostName, server: Option<&HostName>) -> Result<Self, Error> {
        let unfit = || Error::Zone { zone: zone.clone(), limit: ZONE_LIMIT };
        if zone.as_str().len() > ZONE_LIMIT || server.is_some_and(|server| server.as_str().len() > ZONE_LIMIT) {
            return Err(unfit());
        }
        let name = Name::from_ascii(format!("{zone}.")).map_err(|_| unfit())?;
        let server = match server {
            Some(server) => Name::from_ascii(format!("{server}.")),
            None => name.prepend_label("ns"),
        };
        let server = server.map_err(|_| unfit())?;
        Ok(Self { rate: Rate::default(), host: zone.clone(), name, server, askers: Mutex::default() })
    }

    pub(crate) fn name(&self) -> &HostName {
        &self.host
    }

    /// Who asked for the name with this label in the last minute.
    pub(crate) fn asked_by(&self, label: Label, now: Instant) -> Vec<AskedBy> {
        self.askers.lock().unwrap_or_else(PoisonError::into_inner).of(label, now)
    }

    /// Answers one message. `None` where there is nothing to be said: to what is no question, lest two servers answer each
    /// other for ever. `own` finds the address that this machine answers the asker from.
    pub(super) fn answer(
        &self,
        message: &[u8],
        via: Via,
        asker: IpAddr,
        own: Own<'_>,
        now: Instant,
    ) -> Option<Vec<u8>> {
        let question = match Message::from_vec(message) {
            Ok(question) if question.message_type == MessageType::Query => question,
            Ok(_response) => return None,
            Err(_) => return malformed(message),
        };
        let mut answer = Message::response(question.id, question.op_code);
        answer.metadata = Metadata::response_from_request(&question.metadata);
        let code = self.fill(&question, &mut answer, asker, own, now);
        answer.metadata.response_code = code;
        let octets = answer.to_vec().ok()?;
        let limit = ANSWER_LIMIT.min(message.len().saturating_add(EXCESS_LIMIT));
        if via == Via::Tcp || octets.len() <= limit { Some(octets) } else { truncated(message) }
    }

    fn fill(
        &self,
        question: &Message,
        answer: &mut Message,
        asker: IpAddr,
        own: Own<'_>,
        now: Instant,
    ) -> ResponseCode {
        let mut subnet = None;
        if let Some(edns) = &question.edns {
            let mut ours = our_edns();
            if edns.version() > 0 {
                // RFC 6891 section 6.1.3: the code has twelve bits, of which the upper eight stand in the option record.
                ours.set_rcode_high(ResponseCode::BADVERS.high());
                answer.set_edns(ours);
                return ResponseCode::BADVERS;
            }
            let Ok(told) = client_subnet(edns) else {
                answer.set_edns(ours);
                return ResponseCode::FormErr;
            };
            subnet = told;
            if let Some(subnet) = subnet {
                // RFC 7871 section 7.2.1: repeated, with the scope for which the answer holds. Ours is for nobody else.
                let echoed = ClientSubnet::new(subnet.addr(), subnet.prefix_len(), subnet.prefix_len());
                ours.options_mut().insert(EdnsOption::Subnet(echoed));
            }
            answer.set_edns(ours);
        }
        if question.op_code != OpCode::Query {
            return ResponseCode::NotImp;
        }
        let [query] = question.queries.as_slice() else { return ResponseCode::FormErr };
        answer.add_query(query.clone());
        let transfer = matches!(query.query_type(), RecordType::AXFR | RecordType::IXFR);
        if query.query_class() != DNSClass::IN || transfer || !self.name.zone_of(query.name()) {
            return ResponseCode::Refused;
        }
        answer.metadata.authoritative = true;
        let (data, code) = self.records(query, AskedBy { address: asker, client_subnet: subnet }, own, now);
        let name = query.name();
        answer.add_answers(data.into_iter().map(|data| Record::from_rdata(name.clone(), TIME_TO_LIVE, data)));
        if answer.answers.is_empty() {
            answer.add_authority(Record::from_rdata(self.name.clone(), TIME_TO_LIVE, self.start_of_authority()));
        }
        code
    }

    /// The records for a name of the zone, and whether there is such a name.
    fn records(&self, query: &Query, asked_by: AskedBy, own: Own<'_>, now: Instant) -> (Vec<RData>, ResponseCode) {
        let (name, wanted) = (query.name(), query.query_type());
        if *name == self.name {
            let data = match wanted {
                RecordType::SOA => vec![self.start_of_authority()],
                RecordType::NS => vec![RData::NS(NS(self.server.clone()))],
                _ => Vec::new(),
            };
            return (data, ResponseCode::NoError);
        }
        if *name == self.server {
            return (own().and_then(|own| address(own, wanted)).into_iter().collect(), ResponseCode::NoError);
        }
        let is_below = name.num_labels() == self.name.num_labels() + 1;
        let label = name.iter().next().filter(|_| is_below).and_then(Label::parse);
        let Some(label) = label else { return (Vec::new(), ResponseCode::NXDomain) };
        let data = match wanted {
            RecordType::TXT => {
                let subnet = asked_by.client_subnet.map(|subnet| format!("client-subnet={subnet}"));
                Some(RData::TXT(TXT::new([Some(asked_by.address.to_string()), subnet].into_iter().flatten().collect())))
            }
            wanted => address(asked_by.address, wanted),
        };
        self.askers.lock().unwrap_or_else(PoisonError::into_inner).remember(label, asked_by, now);
        (data.into_iter().collect(), ResponseCode::NoError)
    }

    /// Times as RFC 1912 section 2.2 recommends them; nobody transfers the zone, so they mean nothing here. The minimum is
    /// the time to live of negative answers (RFC 2308 section 4).
    fn start_of_authority(&self) -> RData {
        let responsible = self.name.prepend_label("hostmaster").unwrap_or_else(|_| self.name.clone());
        RData::SOA(SOA::new(self.server.clone(), responsible, 1, 86_400, 7_200, 2_419_200, TIME_TO_LIVE))
    }
}

/// An answer that says no more than that the question cannot be read: header alone, with its identifier (RFC 1035 section
/// 4.1.1). `None` where there is no header, or where it is that of a response.
fn malformed(message: &[u8]) -> Option<Vec<u8>> {
    const RESPONSE: u8 = 0x80;
    let [high, low, flags, ..] = message else { return None };
    if message.len() < 12 || flags & RESPONSE != 0 {
        return None;
    }
    let op_code = OpCode::from_u8(flags >> 3 & 0x0f);
    Message::error_msg(u16::from_be_bytes([*high, *low]), op_code, ResponseCode::FormErr).to_vec().ok()
}

fn address(address: IpAddr, wanted: RecordType) -> Option<RData> {
    match (address, wanted) {
        (IpAddr::V4(address), RecordType::A | RecordType::ANY) => Some(RData::A(A(address))),
        (IpAddr::V6(address), RecordType::AAAA | RecordType::ANY) => Some(RData::AAAA(AAAA(address))),
        _ => None,
    }
}

/// A client subnet that no query may have.
#[derive(Debug)]
struct NoSubnet;

/// The client's network, as the resolver tells it. RFC 7871 sections 6 and 7.1.2: a scope, a prefix longer than an address of the
/// family, and address bits beyond the prefix are errors of form.
fn client_subnet(edns: &Edns) -> Result<Option<IpNet>, NoSubnet> {
    let Some(EdnsOption::Subnet(subnet)) = edns.option(EdnsCode::Subnet) else { return Ok(None) };
    let network = IpNet::new(subnet.addr(), subnet.source_prefix()).map_err(|_| NoSubnet)?;
    if subnet.scope_prefix() != 0 || network.trunc() != network {
        return Err(NoSubnet);
    }
    Ok(Some(network))
}

/// An answer with the question alone that says: come again over TCP. It is no longer than what was asked, so that it may be
/// sent to whoever has had too much, as *slip* of response rate limiting is: a resolver whose address others forge still
/// gets its answers. `None` where there is no question, or where the answer would be longer after all.
pub(super) fn truncated(message: &[u8]) -> Option<Vec<u8>> {
    let question = Message::from_vec(message).ok().filter(|question| question.message_type == MessageType::Query)?;
    let [query] = question.queries.as_slice() else { return None };
    let mut answer = Message::response(question.id, question.op_code);
    answer.metadata = Metadata::response_from_request(&question.metadata);
    answer.metadata.truncation = true;
    answer.add_query(query.clone());
    if question.edns.is_some() {
        answer.set_edns(our_edns());
    }
    answer.to_vec().ok().filter(|answer| answer.len() <= message.len())
}

fn our_edns() -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(u16::try_from(QUESTION_LIMIT).unwrap_or(u16::MAX));
    edns
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LABEL: &str = "000102030405060708090a0b0c0d0e0f";
    const ASKER: [u8; 4] = [198, 51, 100, 53];
    const OWN: [u8; 4] = [203, 0, 113, 1];

    fn zone() -> Zone {
        Zone::new(&HostName::parse("who.example").unwrap(), None).unwrap()
    }

    fn question(name: &str, wanted: RecordType) -> Message {
        let mut message = Message::query();
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), wanted));
        message
    }

    fn ask(zone: &Zone, question: &Message) -> Message {
        let octets = question.to_vec().unwrap();
        let answer = zone.answer(&octets, Via::Udp, ASKER.into(), &|| Some(OWN.into()), Instant::now()).unwrap();
        let answer = Message::from_vec(&answer).unwrap();
        assert_eq!((answer.id, answer.message_type), (question.id, MessageType::Response));
        assert!(!answer.truncation && !answer.recursion_available);
        answer
    }

    /// Code, whether authoritative, answers, and the types of the authority section.
    fn check(name: &str, wanted: RecordType, expected: (ResponseCode, bool, &[&str], &[RecordType])) {
        let answer = ask(&zone(), &question(name, wanted));
        let data: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
        let authority: Vec<RecordType> = answer.authorities.iter().map(Record::record_type).collect();
        let got = (answer.response_code, answer.authoritative, data, authority);
        let expected = (
            expected.0,
            expected.1,
            expected.2.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(),
            expected.3.to_vec(),
        );
        assert_eq!(got, expected, "{name} {wanted}");
        assert!(answer.answers.iter().chain(&answer.authorities).all(|record| record.ttl == 0));
    }

    #[test]
    fn each_name_has_what_the_page_says() {
        use RecordType::{A, AAAA, ANY, AXFR, MX, NS, SOA, TXT};
        use ResponseCode::{NXDomain, NoError, Refused};
        let label = &format!("{LABEL}.who.example.");
        let soa = "ns.who.example. hostmaster.who.example. 1 86400 7200 2419200 0";
        check(label, A, (NoError, true, &["198.51.100.53"], &[]));
        check(label, ANY, (NoError, true, &["198.51.100.53"], &[]));
        check(label, TXT, (NoError, true, &["198.51.100.53"], &[]));
        check(label, AAAA, (NoError, true, &[], &[SOA]));
        check(label, MX, (NoError, true, &[], &[SOA]));
        check(&label.to_uppercase(), A, (NoError, true, &["198.51.100.53"], &[]));
        check("who.example.", SOA, (NoError, true, &[soa], &[]));
        check("WHO.example.", NS, (NoError, true, &["ns.who.example."], &[]));
        check("who.example.", A, (NoError, true, &[], &[SOA]));
        check("ns.who.example.", A, (NoError, true, &["203.0.113.1"], &[]));
        check("ns.who.example.", AAAA, (NoError, true, &[], &[SOA]));
        check("www.who.example.", A, (NXDomain, true, &[], &[SOA]));
        check(&format!("a.{label}"), A, (NXDomain, true, &[], &[SOA]));
        check("example.", A, (Refused, false, &[], &[]));
        check("notwho.example.", A, (Refused, false, &[], &[]));
        check("who.example.", AXFR, (Refused, false, &[], &[]));
        let mut chaos = question("who.example.", TXT);
        chaos.queries[0].set_query_class(DNSClass::CH);
        assert_eq!(ask(&zone(), &chaos).response_code, Refused);
    }

    #[test]
    fn who_asked_is_remembered_with_the_subnet_that_was_told() {
        let (zone, label) = (zone(), Label::parse(LABEL.as_bytes()).unwrap());
        let name = format!("{LABEL}.who.example.");
        ask(&zone, &question(&name, RecordType::AAAA));
        let mut with_subnet = question(&name, RecordType::TXT);
        let mut edns = Edns::new();
        edns.options_mut().insert(EdnsOption::Subnet(ClientSubnet::new([192, 0, 2, 77].into(), 24, 0)));
        with_subnet.set_edns(edns);
        let answer = ask(&zone, &with_subnet);
        let subnet: IpNet = "192.0.2.0/24".parse().unwrap();
        let told = answer.edns.as_ref().unwrap();
        let Some(EdnsOption::Subnet(echoed)) = told.option(EdnsCode::Subnet) else { panic!("{told:?}") };
        assert_eq!((echoed.addr(), echoed.source_prefix(), echoed.scope_prefix()), (subnet.addr(), 24, 24));
        assert_eq!(answer.answers[0].data.to_string().replace('"', ""), "198.51.100.53client-subnet=192.0.2.0/24");
        let asked = |client_subnet| AskedBy { address: ASKER.into(), client_subnet };
        assert_eq!(zone.asked_by(label, Instant::now()), [asked(None), asked(Some(subnet))]);
        ask(&zone, &question("ffffffffffffffffffffffffffffffff.who.example.", RecordType::A));
        assert_eq!(zone.asked_by(label, Instant::now()).len(), 2);
    }

    #[test]
    fn what_is_no_plain_question_gets_an_error_or_nothing() {
        let zone = zone();
        let code = |message: &Message| ask(&zone, message).response_code;
        let mut update = question("who.example.", RecordType::SOA);
        update.metadata.op_code = OpCode::Update;
        assert_eq!(code(&update), ResponseCode::NotImp);
        let mut two = question("who.example.", RecordType::SOA);
        two.add_query(two.queries[0].clone());
        assert_eq!(code(&two), ResponseCode::FormErr);
        assert_eq!(code(&Message::query()), ResponseCode::FormErr);
        let mut later = question("who.example.", RecordType::SOA);
        later.set_edns(Edns::new().set_version(1).clone());
        let answer = ask(&zone, &later);
        // The library reads the number 16 by its other name (IANA DNS RCODEs).
        assert_eq!((u16::from(answer.response_code), answer.answers.len()), (16, 0));

        let answer = |octets: &[u8]| zone.answer(octets, Via::Udp, ASKER.into(), &|| None, Instant::now());
        let mut response = question("who.example.", RecordType::SOA);
        response.metadata.message_type = MessageType::Response;
        assert_eq!(answer(&response.to_vec().unwrap()), None);
        let whole = question("who.example.", RecordType::SOA).to_vec().unwrap();
        let error = Message::from_vec(&answer(&whole[..20]).unwrap()).unwrap();
        assert_eq!((error.response_code, error.id), (ResponseCode::FormErr, u16::from_be_bytes([whole[0], whole[1]])));
        assert_eq!(answer(&whole[..11]), None);
        assert_eq!(answer(&[]), None);
    }

    #[test]
    fn the_server_may_have_a_name_elsewhere_and_the_zone_must_leave_room() {
        let host = |name: &str| HostName::parse(name).unwrap();
        let zone = Zone::new(&host("who.example"), Some(&host("reflector.example"))).unwrap();
        let answer = ask(&zone, &question("who.example.", RecordType::NS));
        assert_eq!(answer.answers[0].data.to_string(), "reflector.example.");
        let answer = ask(&zone, &question("ns.who.example.", RecordType::A));
        assert_eq!(answer.response_code, ResponseCode::NXDomain);
        let long = |length: usize| host(&format!("{}x", "a.".repeat(length / 2)));
        assert!(Zone::new(&long(158), None).is_ok());
        assert!(matches!(Zone::new(&long(162), None), Err(Error::Zone { .. })));
    }

    #[test]
    fn a_client_subnet_that_none_may_send_is_an_error_of_form() {
        let zone = zone();
        // Family, source prefix, scope prefix, address.
        for (option, expected) in [
            (&[0, 1, 24, 0, 192, 0, 2][..], ResponseCode::NoError),
            (&[0, 1, 32, 0, 192, 0, 2, 1], ResponseCode::NoError),
            (&[0, 1, 0, 0], ResponseCode::NoError),
            (&[0, 2, 33, 0, 0x20, 1, 0xd, 0xb8, 0x80], ResponseCode::NoError),
            (&[0, 1, 33, 0, 192, 0, 2, 1, 0], ResponseCode::FormErr),
            (&[0, 1, 128, 0, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], ResponseCode::FormErr),
            (&[0, 2, 129, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], ResponseCode::FormErr),
            (&[0, 1, 24, 24, 192, 0, 2], ResponseCode::FormErr),
            (&[0, 1, 24, 1, 192, 0, 2], ResponseCode::FormErr),
            (&[0, 1, 23, 0, 192, 0, 3], ResponseCode::FormErr),
            (&[0, 1, 24, 0, 192, 0], ResponseCode::FormErr),
        ] {
            let mut question = question(&format!("{LABEL}.who.example."), RecordType::A);
            let mut edns = Edns::new();
            edns.options_mut().insert(EdnsOption::Unknown(8, option.to_vec()));
            question.set_edns(edns);
            let answer = ask(&zone, &question);
            assert_eq!(answer.response_code, expected, "{option:?}");
            assert_eq!(answer.answers.is_empty(), expected == ResponseCode::FormErr, "{option:?}");
        }
        let label = Label::parse(LABEL.as_bytes()).unwrap();
        assert_eq!(zone.asked_by(label, Instant::now()).len(), 4, "only what was answered is remembered");
    }

    #[test]
    fn a_long_name_of_the_server_is_told_over_tcp() {
        let server = HostName::parse(&format!("{}x", "a.".repeat(79))).unwrap();
        let zone = Zone::new(&HostName::parse("who.example").unwrap(), Some(&server)).unwrap();
        let octets = question("who.example.", RecordType::SOA).to_vec().unwrap();
        let ask = |via| zone.answer(&octets, via, ASKER.into(), &|| None, Instant::now()).unwrap();
        let over_udp = ask(Via::Udp);
        assert_eq!(over_udp.len(), octets.len());
        let read = Message::from_vec(&over_udp).unwrap();
        assert!(read.truncation && read.answers.is_empty() && read.queries.len() == 1);
        let over_tcp = ask(Via::Tcp);
        assert!(over_tcp.len() > octets.len() + EXCESS_LIMIT);
        let read = Message::from_vec(&over_tcp).unwrap();
        assert_eq!((read.truncation, read.answers.len()), (false, 1));
    }

    proptest! {
        /// Nobody gains by forging a source address: no answer is larger than a plain one may be, nor much larger than what
        /// was asked.
        #[test]
        fn answers_stay_small(
            wanted in prop::sample::select(vec![1_u16, 2, 6, 16, 28, 255]),
            is_label: bool, is_ipv6: bool, has_edns: bool, subnet in 0_u8..=128, long: bool,
        ) {
            let name = if long { format!("{}x", "a.".repeat(79)) } else { "who.example".to_owned() };
            let zone = Zone::new(&HostName::parse(&name).unwrap(), None).unwrap();
            let asked = if is_label { format!("{LABEL}.{name}.") } else { format!("{name}.") };
            let mut question = question(&asked, RecordType::from(wanted));
            if has_edns {
                let mut edns = Edns::new();
                let address: IpAddr = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
                let network = IpNet::new(address, subnet).unwrap().trunc();
                edns.options_mut().insert(EdnsOption::Subnet(network.into()));
                question.set_edns(edns);
            }
            let octets = question.to_vec().unwrap();
            let asker: IpAddr = if is_ipv6 { "2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap() } else { ASKER.into() };
            let answer = zone.answer(&octets, Via::Udp, asker, &|| None, Instant::now()).unwrap();
            prop_assert!(answer.len() <= ANSWER_LIMIT);
            prop_assert!(!Message::from_vec(&answer).unwrap().truncation);
            prop_assert!(answer.len() <= octets.len() + EXCESS_LIMIT, "{} for {}", answer.len(), octets.len());
            prop_assert!(truncated(&octets).unwrap().len() <= octets.len());
        }

        #[test]
        fn any_octets_are_answered_without_harm(octets in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..80) {
            let zone = zone();
            let mut near = question(&format!("{LABEL}.who.example."), RecordType::A).to_vec().unwrap();
            near.truncate(cut);
            near.extend(&octets);
            for octets in [octets, near] {
                if let Some(answer) = zone.answer(&octets, Via::Udp, ASKER.into(), &|| None, Instant::now()) {
                    prop_assert!(answer.len() <= ANSWER_LIMIT.min(octets.len() + EXCESS_LIMIT));
                }
                if let Some(answer) = truncated(&octets) {
                    prop_assert!(answer.len() <= octets.len());
                }
            }
        }
    }
}
