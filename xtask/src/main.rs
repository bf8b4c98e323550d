//! Packages the filter, checks the package, and checks the source tree. `make image`, `make push`,
//! `make lint` and `make release-check` run it.
#![allow(clippy::print_stdout, reason = "a command prints its results")]

mod acceptance;
mod comments;
mod facts;
mod image;
mod kubernetes;
mod layers;
mod layout;
mod msrv;
mod push;
mod release;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use facts::Facts;
use layout::Layout;

/// Packages the filter, checks the package, and checks the source tree
#[derive(Parser)]
enum Command {
    /// Write the OCI image, and the Kubernetes manifests with its digest
    Image {
        /// The filter's wasm module
        #[arg(long, default_value = "dist/client_cert_forwarder.wasm")]
        module: PathBuf,
        /// The OCI layout to write; replaces an existing one
        #[arg(long, default_value = "dist/image")]
        layout: PathBuf,
        /// The folder for the Kubernetes manifests
        #[arg(long, default_value = "dist/kubernetes")]
        kubernetes: PathBuf,
    },
    /// Push the OCI image; REGISTRY_USERNAME and REGISTRY_PASSWORD are used to log in
    Push {
        /// host:port/name:tag; a registry on a loopback address is reached without TLS
        image: String,
        /// The OCI layout to push
        #[arg(long, default_value = "dist/image")]
        layout: PathBuf,
    },
    /// Check an OCI layout by the rules of Istio and Envoy Gateway for wasm images
    CheckImage {
        /// The OCI layout to check
        #[arg(default_value = "dist/image")]
        layout: PathBuf,
        /// The digest that a WasmPlugin or an EnvoyExtensionPolicy pins: 64 hexadecimal digits
        #[arg(long)]
        sha256: Option<String>,
        /// Write the module that the gateways would load to this file
        #[arg(long)]
        extract: Option<PathBuf>,
    },
    /// Check that comment lines fit into 100 columns
    Comments,
    /// Check that modules import neither in circles nor from a higher layer
    Layers,
    /// Check that no dependency needs a newer Rust than the package states
    Msrv,
    /// Check that this commit can be released
    ReleaseCheck,
}

fn main() -> Result<ExitCode> {
    match Command::parse() {
        Command::Image {
            module,
            layout,
            kubernetes,
        } => {
            let module = fs::read(&module).with_context(|| {
                format!(
                    "{}: build it with `make wasm`, or name it with --module",
                    module.display()
                )
            })?;
            let facts = Facts::gather()?;
            let image = image::build(&module, &facts)?;
            layout::write(&layout, &image, &facts.version)?;
            kubernetes::write_pinned(&kubernetes, image.digest.digest())?;
            println!("{}", layout.display());
            for (name, value) in facts.annotations() {
                println!("  {name}={value}");
            }
            if facts.source.is_none() {
                println!("  no org.opencontainers.image.source: Cargo.toml names no repository");
            }
            println!("pin this digest: {}", image.digest);
        }
        Command::Push { image, layout } => {
            println!("pushed {}", push::push(&image, &Layout::open(&layout)?)?);
        }
        Command::CheckImage {
            layout,
            sha256,
            extract,
        } => {
            let module = acceptance::accept(&Layout::open(&layout)?, sha256.as_deref())?;
            println!(
                "Istio and Envoy Gateway accept the image: plugin.wasm has {} bytes",
                module.len()
            );
            if let Some(path) = extract {
                fs::write(&path, module).with_context(|| path.display().to_string())?;
            }
        }
        Command::Comments => return comments::check(),
        Command::Layers => return layers::check(),
        Command::Msrv => return msrv::check(),
        Command::ReleaseCheck => return release::check(),
    }
    Ok(ExitCode::SUCCESS)
}
