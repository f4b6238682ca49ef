//! `lab list` and `lab show`.

use anyhow::Result;

use crate::{
    out,
    run::skip_reason,
    scenario::{Place, Scenario},
};

pub(crate) fn list() -> Result<()> {
    let all = Scenario::all()?;
    let width = all.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    for scenario in &all {
        out::line(format!("{:width$}  {}", scenario.name, scenario.title));
        if let Some(reason) = skip_reason(scenario) {
            out::line(format!("{:width$}  skipped here: {reason}", ""));
        }
    }
    Ok(())
}

pub(crate) fn show(name: &str) -> Result<()> {
    for scenario in Scenario::select(&[name.to_owned()])? {
        out::line(format!("{}: {}\n\n{}", scenario.name, scenario.title, scenario.page.trim()));
        for (name, text) in &scenario.files {
            out::line(format!("\n--- {name}\n{}", text.trim()));
        }
        if let Some(rules) = &scenario.rules {
            out::line(format!("\n--- nft rules in the middle\n{}", rules.trim()));
        }
        out::line("\n--- commands");
        if scenario.origin.start {
            out::line(format!("truepath reflect --certificate ${{{}.certificate}} ...", scenario.origin.certificate));
        }
        for start in &scenario.start {
            for words in start.prepare.iter().chain([&start.run]) {
                out::line(words.join(" "));
            }
        }
        let how = match scenario.place {
            Place::Proxy => "--via http://127.0.0.1:${port.proxy} ",
            Place::Relay => "--resolve HOST:${port}:${relay} ... ",
            Place::Namespaces => "",
        };
        let under = scenario.check.under.iter().map(|word| format!("{word} ")).collect::<String>();
        out::line(format!("{under}truepath check {how}{}", scenario.check.flags.join(" ")));
    }
    Ok(())
}
