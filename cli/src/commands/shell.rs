//! `ccf completions` and `ccf man`.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::generate;

use crate::arguments::{Arguments, Completions};
use crate::output::{Exit, print};

pub(super) fn completions(command: &Completions) -> Result<Exit> {
    let mut script = Vec::new();
    generate(command.shell, &mut Arguments::command(), "ccf", &mut script);
    print(&String::from_utf8(script)?)?;
    Ok(Exit::Fine)
}

/// Prints one page: the program's, and behind it those of its commands.
pub(super) fn man() -> Result<Exit> {
    let mut page = Vec::new();
    let mut program = Arguments::command();
    program.build();
    clap_mangen::Man::new(program.clone()).render(&mut page)?;
    for command in program.get_subcommands() {
        let man = clap_mangen::Man::new(command.clone());
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        man.render_extra_section(&mut page)?;
    }
    print(&String::from_utf8(page)?)?;
    Ok(Exit::Fine)
}
