//! `ccf revocations`.

use std::fs;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow};
use client_cert_crl::{Authorities, Crl, Error, File, Signers, read, revoked_certificates};

use crate::arguments::Revocations;
use crate::output::{Exit, note, print_json};

pub(super) fn run(command: &Revocations) -> Result<Exit> {
    let authorities = authorities(command)?;
    let signers = match &authorities {
        Some(authorities) => Signers::Authorities(authorities),
        None => Signers::Unchecked,
    };
    let (mut lists, mut errors) = (Vec::new(), Vec::new());
    let now = SystemTime::now();
    for input in &command.lists {
        let bytes = input.read()?;
        let name = input.to_string();
        let file = File {
            name: &name,
            bytes: &bytes,
        };
        match read(&file, signers, now) {
            Ok(read) => lists.extend(read),
            Err(refused) => errors.extend(refused),
        }
    }
    if !errors.is_empty() {
        return Err(all(&errors));
    }
    if authorities.is_none() {
        note("signatures were not checked: name the CA's certificate with --ca");
    }
    lists
        .iter()
        .filter_map(partial)
        .for_each(|text| note(&text));
    print_json(&revoked_certificates(&lists))?;
    Ok(Exit::Fine)
}

fn authorities(command: &Revocations) -> Result<Option<Authorities>> {
    let mut contents = Vec::new();
    for path in &command.authorities {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        contents.push((path.display().to_string(), bytes));
    }
    let files: Vec<File<'_>> = contents
        .iter()
        .map(|(name, bytes)| File { name, bytes })
        .collect();
    if files.is_empty() {
        return Ok(None);
    }
    Authorities::read(&files)
        .map(Some)
        .map_err(|errors| all(&errors))
}

fn all(errors: &[Error]) -> anyhow::Error {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    anyhow!("{}", lines.join("\nccf: "))
}

fn partial(list: &Crl) -> Option<String> {
    let is_enough = list.scope().covers_client_certificates();
    (!is_enough).then(|| {
        let issuer_dn = list.issuer_dn();
        format!("the CRL of \"{issuer_dn}\" does not cover all client certificates: give the CA's other CRLs too")
    })
}
