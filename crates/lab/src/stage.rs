//! One scenario, set up: the far end and the intermediary are running, and the check can be called.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    hosts::{self, ORIGIN, RELAY, Service},
    link::{self, Link, Side},
    mmdb,
    network::{self, Network, Where},
    pki::Pki,
    process::{self, Ledger, Program, Socket},
    programs,
    scenario::{Place, Scenario, Start},
    shared_memory::ServiceName,
    template::{Values, free_port},
};

/// The database of a scenario's `places`, in its directory.
const PLACES: &str = "places.mmdb";

/// What the scenarios of a run have in common.
pub(crate) struct Run<'a> {
    /// The program under test.
    pub(crate) truepath: &'a Path,
    pub(crate) pki: &'a Pki,
    pub(crate) ledger: &'a Ledger,
}

/// Dropping it ends what it started. Fields are dropped in this order: programs before the network that they live in.
pub(crate) struct Stage<'a> {
    run: &'a Run<'a>,
    scenario: &'a Scenario,
    directory: PathBuf,
    values: Values,
    service: Service,
    programs: Vec<Program>,
    link: Option<Link>,
    network: Option<Network>,
    shared: ServiceName,
}

impl<'a> Stage<'a> {
    /// `slot` tells apart what exists at the same time in one run.
    pub(crate) fn set(run: &'a Run<'a>, scenario: &'a Scenario, directory: &Path, slot: usize) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        let service = Service::new(scenario, free_port)?;
        let mut stage = Self {
            run,
            scenario,
            directory: directory.to_owned(),
            values: Values::default(),
            service,
            programs: Vec::new(),
            link: None,
            network: None,
            shared: ServiceName::new(slot),
        };
        stage.know()?;
        if scenario.place == Place::Namespaces {
            stage.connect(slot)?;
            stage.serve_names()?;
        }
        if !scenario.places.is_empty() {
            fs::write(directory.join(PLACES), mmdb::write(&scenario.places)?)?;
        }
        if scenario.origin.start {
            stage.start_origin()?;
        }
        for (name, text) in &scenario.files {
            let text = stage.values.expand(text).with_context(|| format!("file {name}"))?;
            let path = directory.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, text)?;
        }
        if let Some(owner) = scenario.owner.as_deref().filter(|_| is_root()) {
            process::output(Command::new("chown").arg("-R").arg(owner).arg(directory))?;
        }
        for words in &scenario.prepare {
            let words = stage.values.expand_all(words)?;
            process::output(&mut stage.command(Where::Middle, &words)?)?;
        }
        for start in &scenario.start {
            stage.start(start)?;
        }
        stage.rules()?;
        Ok(stage)
    }

    /// The call of `check` that this scenario is for.
    pub(crate) fn check(&mut self) -> Result<Command> {
        let store = self.client_store()?;
        let service = self.directory.join("service.toml");
        fs::write(&service, self.service.file(self.scenario))?;

        let mut words = self.values.expand_all(&self.scenario.check.under)?;
        words.push(self.run.truepath.display().to_string());
        words.extend(["check".into(), "--json".into()]);
        words.extend(["--service".into(), service.display().to_string()]);
        for (flag, file) in [("--public-roots", "public.certificate"), ("--ct-logs", "ct.logs")] {
            words.extend([flag.into(), self.values.get(file)?]);
        }
        if self.scenario.place == Place::Proxy && !self.scenario.start.is_empty() {
            words.extend(["--via".into(), format!("http://127.0.0.1:{}", self.values.get("port.proxy")?)]);
        }
        if self.scenario.place == Place::Relay {
            for host in self.service.all() {
                let default = if self.scenario.start.is_empty() { ORIGIN } else { RELAY };
                let address = match self.scenario.resolve.get(host.workload) {
                    Some(address) => self.values.expand(address)?,
                    None => default.to_owned(),
                };
                words.extend(["--resolve".into(), format!("{}:{}:{address}", host.name, host.port)]);
            }
        }
        if self.scenario.origin.reflector {
            let reflector = &self.service.reflector;
            words.extend(["--reflector".into(), format!("https://{}:{}/", reflector.name, reflector.port)]);
            words.extend(["--reflector-key".into(), self.run.pki.reflector_key().to_owned()]);
        }
        words.extend(self.values.expand_all(&self.scenario.check.flags)?);

        let mut command = self.command(Where::Client, &words)?;
        command
            .env("SSL_CERT_FILE", store)
            .env_remove("SSL_CERT_DIR")
            .env("XDG_CONFIG_HOME", &self.directory)
            .env("NO_COLOR", "1")
            .env("RUST_BACKTRACE", "1");
        for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        Ok(command)
    }

    /// The call of `judge` over the record that this scenario's check made.
    pub(crate) fn judge(&mut self, record: &Path) -> Result<Command> {
        let mut command = Command::new(self.run.truepath);
        command.args(["judge", "--json"]).arg(record).env("XDG_CONFIG_HOME", &self.directory);
        command.arg("--public-roots").arg(self.values.get("public.certificate")?);
        command.arg("--ct-logs").arg(self.values.get("ct.logs")?);
        let flags = self.values.expand_all(&self.scenario.check.flags)?;
        let trust = flags.iter().skip_while(|flag| *flag != "--trust-roots").take(2);
        command.args(trust);
        Ok(command)
    }

    /// What the scenario's scripts must decide, by workload.
    pub(crate) fn decisions(&mut self) -> Result<BTreeMap<String, String>> {
        let due = &self.scenario.expect.decisions;
        due.iter().map(|(workload, result)| Ok((workload.clone(), self.values.expand(result)?))).collect()
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn client(&self) -> String {
        match &self.network {
            Some(network) => format!("in namespace {}", network.name(Where::Client)),
            None => "on loopback".into(),
        }
    }

    /// A program of the scenario that has ended although nobody asked it to.
    pub(crate) fn casualty(&mut self) -> Result<Option<String>> {
        for program in &mut self.programs {
            if let Some(status) = program.ended()? {
                return Ok(Some(format!("{} ended with {status}; see {}", program.name, program.log.display())));
            }
        }
        Ok(None)
    }

    /// Makes the namespaces and the link between them.
    fn connect(&mut self, slot: usize) -> Result<()> {
        let mut addresses = hosts::addresses(&self.service);
        for address in self.scenario.names.values().filter(|address| address.starts_with(network::SERVERS)) {
            if !addresses.contains(address) {
                addresses.push(address.clone());
            }
        }
        let network = Network::create(slot, &addresses)?;
        if !self.scenario.name_servers.is_empty() || !self.scenario.search.is_empty() {
            network.ask(&self.values.expand_all(&self.scenario.name_servers)?, &self.scenario.search)?;
        }
        if let Some(told) = &self.scenario.link {
            addresses.push(network::NAME_SERVER.to_owned());
            self.link = Some(if told.beside {
                ensure!(told.side == Side::Near, "a link beside the wire is on the near side");
                link::lay_beside(&network, told.plan()?)?
            } else {
                link::lay(&network, told.side, told.plan()?, &addresses)?
            });
        }
        self.network = Some(network);
        Ok(())
    }

    /// Fills in every `${name}` that scenarios may use.
    fn know(&mut self) -> Result<()> {
        let inspection = self.run.pki.inspection(&self.scenario.company, &self.directory.join("inspection"))?;
        for (name, file) in self.run.pki.files().iter().chain(&inspection) {
            self.values.set(name, file.display().to_string());
        }
        let user = process::output(Command::new("id").arg("-un"))?;
        let group = process::output(Command::new("id").arg("-gn"))?;
        let namespaces = self.scenario.place == Place::Namespaces;
        let first = self.service.hosts.first().context("no hosts")?;
        for (name, value) in [
            ("dir", self.directory.display().to_string()),
            ("service", self.shared.as_str().to_owned()),
            // This very program, even if another has been built in its place meanwhile.
            ("lab", format!("/proc/{}/exe", std::process::id())),
            ("user", user.trim().to_owned()),
            ("group", group.trim().to_owned()),
            ("origin", if namespaces { first.address.clone() } else { ORIGIN.into() }),
            ("relay", RELAY.into()),
            ("port", first.port.to_string()),
            ("middle", network::MIDDLE_TO_CLIENT.into()),
            ("client", network::CLIENT.into()),
            ("beyond", link::BEYOND.into()),
            ("name-server", network::NAME_SERVER.into()),
            ("places", self.directory.join(PLACES).display().to_string()),
        ] {
            self.values.set(name, value);
        }
        for host in self.service.all() {
            let workload = host.workload.to_lowercase().replace(' ', "-");
            self.values.set(format!("{workload}.name"), host.name);
            self.values.set(format!("{workload}.address"), &host.address);
            self.values.set(format!("{workload}.port"), host.port.to_string());
        }
        Ok(())
    }

    fn serve_names(&mut self) -> Result<()> {
        let mut run = vec![
            "${lab}".into(),
            "serve".into(),
            "dns".into(),
            "--listen".into(),
            format!("{}:53", network::NAME_SERVER),
        ];
        for host in self.service.all() {
            run.extend(["--name".into(), format!("{}={}", host.name, host.address)]);
        }
        for (name, address) in &self.scenario.names {
            run.extend(["--name".into(), format!("{name}={address}")]);
        }
        self.start(&Start {
            place: Where::Server,
            prepare: Vec::new(),
            run,
            environment: BTreeMap::new(),
            listens: vec!["udp:53".into()],
            makes: Vec::new(),
        })
    }

    fn start_origin(&mut self) -> Result<()> {
        let certificate = &self.scenario.origin.certificate;
        let mut run = vec![self.run.truepath.display().to_string(), "reflect".into()];
        let listen: Vec<(String, u16)> = match self.scenario.place {
            Place::Namespaces => vec![("0.0.0.0".into(), 443)],
            Place::Relay => vec![(ORIGIN.into(), self.service.reflector.port)],
            Place::Proxy => self.service.all().map(|host| (host.address.clone(), host.port)).collect(),
        };
        for (address, port) in &listen {
            run.extend(["--listen".into(), format!("{address}:{port}")]);
        }
        run.extend(["--certificate".into(), format!("${{{certificate}.certificate}}")]);
        run.extend(["--private-key".into(), format!("${{{certificate}.key}}")]);
        run.extend(["--signing-key".into(), "${reflector.signing-key}".into()]);
        run.extend(self.scenario.origin.flags.iter().cloned());
        let listens = listen.iter().flat_map(|(_, port)| [format!("tcp:{port}"), format!("udp:{port}")]).collect();
        self.start(&Start {
            place: Where::Server,
            prepare: self.scenario.origin.prepare.clone(),
            run,
            environment: BTreeMap::new(),
            listens,
            makes: Vec::new(),
        })
    }

    fn start(&mut self, start: &Start) -> Result<()> {
        for words in &start.prepare {
            let words = self.values.expand_all(words)?;
            process::output(&mut self.command(start.place, &words)?)?;
        }
        let words = self.values.expand_all(&start.run)?;
        let mut command = self.command(start.place, &words)?;
        for (name, value) in &start.environment {
            command.env(name, self.values.expand(value)?);
        }
        let program = words.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
        let name = format!("{}-{}", self.programs.len(), program.to_string_lossy());
        let log = self.directory.join(format!("{name}.log"));
        let mut listens = Vec::new();
        for socket in &start.listens {
            listens.push(parse_socket(&self.values.expand(socket)?)?);
        }
        let makes: Vec<PathBuf> = self.values.expand_all(&start.makes)?.into_iter().map(PathBuf::from).collect();
        let program = Program::start(&name, command, &log, self.run.ledger)?;
        self.programs.push(program);
        let program = self.programs.last_mut().context("no program")?;
        program.wait_for(&listens)?;
        program.wait_for_files(&makes)
    }

    fn rules(&mut self) -> Result<()> {
        let Some(network) = &self.network else {
            ensure!(self.scenario.rules.is_none(), "rules need namespaces");
            return Ok(());
        };
        if let Some(rules) = &self.scenario.rules {
            let file = self.directory.join("rules.nft");
            fs::write(&file, self.values.expand(rules)?)?;
            network.rules(&file)?;
        }
        if self.scenario.unplugged {
            network.unplug()?;
        }
        Ok(())
    }

    /// The client's system store: the public root, and what the organisation's IT installed.
    fn client_store(&mut self) -> Result<PathBuf> {
        let mut store = fs::read_to_string(self.values.get("public.certificate")?)?;
        for certificate in &self.scenario.installed {
            let path = self.values.expand(certificate)?;
            store.push_str(&fs::read_to_string(&path).with_context(|| format!("installed certificate {path}"))?);
        }
        let path = self.directory.join("client-store.pem");
        fs::write(&path, store)?;
        Ok(path)
    }

    fn command(&self, place: Where, words: &[String]) -> Result<Command> {
        let (program, arguments) = words.split_first().context("an empty command")?;
        let program = programs::find(program).with_context(|| format!("{program} is not installed"))?;
        let mut command = match &self.network {
            Some(network) => network.command(place, &program.display().to_string()),
            None => Command::new(program),
        };
        command.args(arguments).current_dir(&self.directory);
        Ok(command)
    }
}

impl Drop for Stage<'_> {
    /// All at once: the kernel takes more than a second to close the device of a tunnel.
    fn drop(&mut self) {
        self.programs.iter().for_each(Program::ask_to_end);
    }
}

/// `tcp:PORT`, `udp:PORT`, or with an address before the port.
fn parse_socket(text: &str) -> Result<Socket> {
    let (transport, place) = text.split_once(':').with_context(|| format!("`{text}` is no `tcp:PORT`"))?;
    let (address, port) = place.rsplit_once(':').map_or((None, place), |(address, port)| (Some(address), port));
    let port = port.parse().with_context(|| format!("`{port}` is no port"))?;
    let socket = match transport {
        "tcp" => Socket::tcp(port),
        "udp" => Socket::udp(port),
        _ => bail!("`{transport}` is neither tcp nor udp"),
    };
    match address {
        Some(address) => Ok(socket.at(address.parse().with_context(|| format!("`{address}` is no address"))?)),
        None => Ok(socket),
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
