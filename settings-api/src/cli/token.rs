//! `settings-api token create`, `list` and `revoke`.

use std::io::Write;
use std::time::SystemTime;

use clap::{Args, Subcommand, ValueEnum};

use crate::error::Error;
use crate::hex;
use crate::tokens::digest::{Credentials, DigestKey};
use crate::tokens::file::{TokenFile, TokenFiles};
use crate::tokens::token::{Permission, Token};

/// Letters, digits, `-` and `_` of a token: the form that Cloudflare's Terraform provider checks.
const TOKEN_LENGTH: usize = 40;
/// Hexadecimal digits of a key, by the same check.
const KEY_LENGTH: usize = 37;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `settings-api token …`
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Create a token and print its secret, which is shown only once
    Create(CreateToken),
    /// List the tokens
    List(TokenFiles),
    /// Revoke a token; a running server refuses it at once
    Revoke(RevokeToken),
}

/// Options of `settings-api token create`.
#[derive(Debug, Args)]
pub(super) struct CreateToken {
    /// The token file.
    #[command(flatten)]
    files: TokenFiles,
    /// The token's purpose, shown in logs and lists
    #[arg(long)]
    name: String,
    /// A zone that it may access, or "*" for all; repeatable
    #[arg(long = "zone", value_name = "ID")]
    zones: Vec<String>,
    /// An account that it may access, or "*" for all; repeatable
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<String>,
    /// read: GET; write: GET and PUT
    #[arg(long, value_enum)]
    permission: PermissionArgument,
    /// Create a key for X-Auth-Email (this address) and X-Auth-Key instead of a bearer token
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
}

/// Options of `settings-api token revoke`.
#[derive(Debug, Args)]
pub(super) struct RevokeToken {
    /// The token file.
    #[command(flatten)]
    files: TokenFiles,
    /// The token's id, from the list
    id: String,
}

/// A permission, by its name on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PermissionArgument {
    /// `Access: Mutual TLS Certificates Read`
    Read,
    /// `Access: Mutual TLS Certificates Write`
    Write,
}

/// Runs the command.
///
/// # Errors
/// The reason for which it failed.
pub(super) fn run(command: TokenCommand) -> Result<(), Error> {
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
    // The first call creates the key, which carries the lock; the second reads under the lock.
    options.files.load_or_create()?;
    let _lock = options.files.lock()?;
    let (key, mut file) = options.files.load_or_create()?;
    let secret = match email {
        Some(_) => hex::encode(&random::<19>()?)
            .chars()
            .take(KEY_LENGTH)
            .collect(),
        // 64 divides 256 evenly, so each letter is equally likely.
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
        id: hex::encode(&random::<4>()?),
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
    let (_, file) = existing(files)?;
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
    existing(&options.files)?;
    let _lock = options.files.lock()?;
    let (_, mut file) = existing(&options.files)?;
    let before = file.tokens.len();
    file.tokens.retain(|token| token.id != options.id);
    if file.tokens.len() == before {
        return Err(Error(format!(
            "token revoke: no token {:?}, see `settings-api token list`",
            options.id
        )));
    }
    file.save(&options.files.tokens)?;
    print(&format!("revoked {}\n", options.id))
}

/// Reads a token file that must exist: a mistyped path would look like a file without tokens.
fn existing(files: &TokenFiles) -> Result<(DigestKey, TokenFile), Error> {
    files.load()?.ok_or_else(|| {
        let reason = "No such file (`settings-api token create` makes one)";
        Error::new("token file", files.tokens.display(), reason)
    })
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
