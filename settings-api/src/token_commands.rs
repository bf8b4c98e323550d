//! `settings-api token create`, `list` and `revoke`.

use std::io::Write;
use std::time::SystemTime;

use crate::Error;
use crate::cli::{CreateToken, PermissionArgument, RevokeToken, TokenCommand, TokenFiles};
use crate::tokens::{self, Credentials, DigestKey, Permission, Token, TokenFile};

/// The form that Cloudflare's Terraform provider checks: 40 letters, digits, `-` and `_`, and 37 hexadecimal digits.
const TOKEN_LENGTH: usize = 40;
const KEY_LENGTH: usize = 37;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Does what the command says.
///
/// # Errors
/// When it can't be done.
pub fn run(command: TokenCommand) -> Result<(), Error> {
    match command {
        TokenCommand::Create(options) => create(options),
        TokenCommand::List(files) => list(&files),
        TokenCommand::Revoke(options) => revoke(&options),
    }
}

fn create(options: CreateToken) -> Result<(), Error> {
    if options.zones.is_empty() && options.accounts.is_empty() {
        return Err(Error(
            "token create: name what it is for with --zone ID or --account ID (\"*\" for all)"
                .into(),
        ));
    }
    let email = options.email.map(|email| email.to_ascii_lowercase());
    if let Some(email) = email
        .as_ref()
        .filter(|email| !email.bytes().all(|byte| byte.is_ascii_graphic()) || email.is_empty())
    {
        return Err(Error(format!(
            "token create: {email:?} can't be sent in a header: use visible ASCII characters"
        )));
    }
    let key = DigestKey::load_or_make(&options.files)?;
    let _lock = tokens::lock(&options.files)?;
    let mut file = TokenFile::load(&options.files.tokens)?;
    let secret = match email {
        Some(_) => tokens::hex(&random::<19>()?)
            .chars()
            .take(KEY_LENGTH)
            .collect(),
        // 64 letters divide 256 evenly: each is as likely as any other.
        None => random::<TOKEN_LENGTH>()?
            .iter()
            .filter_map(|byte| LETTERS.get(usize::from(byte % 64)))
            .map(|letter| char::from(*letter))
            .collect::<String>(),
    };
    let credentials = match &email {
        Some(email) => Credentials::Key {
            email,
            key: &secret,
        },
        None => Credentials::Bearer(&secret),
    };
    file.tokens.push(Token {
        id: tokens::hex(&random::<4>()?),
        name: options.name,
        digest: key.digest(&credentials),
        email,
        zones: options.zones,
        accounts: options.accounts,
        permissions: vec![match options.permission {
            PermissionArgument::Read => Permission::Read,
            PermissionArgument::Write => Permission::Write,
        }],
        created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
    });
    file.save(&options.files.tokens)?;
    print(&format!("{secret}\n"))
}

fn list(files: &TokenFiles) -> Result<(), Error> {
    let file = TokenFile::load(&files.tokens)?;
    let mut rows = vec![["ID", "NAME", "KIND", "FOR", "PERMISSION", "CREATED"].map(str::to_owned)];
    rows.extend(file.tokens.iter().map(|token| {
        let zones = token.zones.iter().map(|id| format!("zones/{id}"));
        let accounts = token.accounts.iter().map(|id| format!("accounts/{id}"));
        let permission = if token.permissions.contains(&Permission::Write) {
            "write"
        } else {
            "read"
        };
        [
            token.id.clone(),
            token.name.clone(),
            token.email.clone().unwrap_or_else(|| "bearer".into()),
            zones.chain(accounts).collect::<Vec<_>>().join(","),
            permission.into(),
            token.created.clone(),
        ]
    }));
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let lines = rows.iter().map(|row| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    });
    print(&lines.collect::<String>())
}

fn revoke(options: &RevokeToken) -> Result<(), Error> {
    let _lock = tokens::lock(&options.files)?;
    let mut file = TokenFile::load(&options.files.tokens)?;
    let before = file.tokens.len();
    file.tokens.retain(|token| token.id != options.id);
    if file.tokens.len() == before {
        return Err(Error(format!(
            "token revoke: there is no token {:?}, see `settings-api token list`",
            options.id
        )));
    }
    file.save(&options.files.tokens)?;
    print(&format!("revoked {}\n", options.id))
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new("random bytes", "for a token", error))?;
    Ok(bytes)
}

fn print(text: &str) -> Result<(), Error> {
    let mut output = std::io::stdout().lock();
    let written = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
    written.map_err(|error| Error::new("standard output", "can't be written", error))
}
