//! The module in an interpreter, and the part of Envoy that it talks to.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use support::{pki, wasm_module};
use wasmi::{Caller, Engine, Error, Extern, Instance, Linker, Memory, Module, Store, Val, ValType};

/// The ABI's statuses that a hostcall can return, and one that the ABI doesn't know.
pub(crate) const REFUSALS: [i32; 13] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 4711];
/// The header maps, by their numbers in the ABI.
pub(crate) const REQUEST_HEADERS: i32 = 0;
pub(crate) const REQUEST_TRAILERS: i32 = 1;
pub(crate) const RESPONSE_HEADERS: i32 = 2;
/// The action of a callback that lets the stream go on.
pub(crate) const CONTINUE: i32 = 0;

const OK: i32 = 0;
const NOT_FOUND: i32 = 1;
const ROOT: i32 = 1;
/// A setting for each of the filter's ways to act, so that requests reach every hostcall.
const CONFIGURATION: &str = r#"{
    "explain": true,
    "verified_by": "attribute",
    "settings": [
        { "hostname": "first.example.com", "client_certificate_forwarding": true },
        { "hostname": "every.example.com", "client_certificate_forwarding": true,
          "forward_on": "every_request" },
        { "hostname": "strict.example.com", "require_client_certificate": true,
          "client_certificate_forwarding": true }
    ]
}"#;

/// Envoy's side of one VM.
#[derive(Default)]
pub(crate) struct Envoy {
    /// The serialised header maps.
    pub(crate) maps: HashMap<i32, Vec<u8>>,
    /// Attributes and the connection's filter state.
    pub(crate) properties: HashMap<Vec<u8>, Vec<u8>>,
    /// The hostcall that is refused, or all of them where none is named, and the status.
    pub(crate) refused: Option<(Option<String>, i32)>,
    /// The hostcalls made so far.
    pub(crate) called: BTreeSet<String>,
    /// The lines logged so far.
    pub(crate) logged: Vec<String>,
}

impl Envoy {
    /// A connection whose client presented a certificate that was verified.
    pub(crate) fn with_certificate() -> Self {
        let mut envoy = Self::default();
        for (path, value) in [
            (
                "connection\0requested_server_name",
                b"first.example.com".as_slice(),
            ),
            ("connection\0tls_version", b"TLSv1.3"),
            ("connection\0mtls", &[1]),
            (
                "connection\0peer_certificate",
                pki().client.chain_pem().as_bytes(),
            ),
            ("connection\0peer_certificate_valid", &[1]),
            ("response\0code_details", b"via_upstream"),
        ] {
            envoy.properties.insert(path.into(), value.into());
        }
        envoy
    }

    /// The status that `hostcall` is to be refused with.
    fn refusal(&self, hostcall: &str) -> Option<i32> {
        let (refused, status) = self.refused.as_ref()?;
        let is_refused = refused.as_deref().is_none_or(|name| name == hostcall);
        is_refused.then_some(*status)
    }
}

/// One VM with a root context.
pub(crate) struct Vm {
    /// The interpreter's store; its data are Envoy's side.
    pub(crate) store: Store<Envoy>,
    instance: Instance,
    contexts: i32,
}

impl Vm {
    /// Starts a VM up to its configuration.
    pub(crate) fn start(envoy: Envoy) -> Result<Self, Error> {
        let (engine, module) = compiled();
        let mut store = Store::new(engine, envoy);
        let instance = linker(engine, module).instantiate_and_start(&mut store, module)?;
        let mut vm = Self {
            store,
            instance,
            contexts: ROOT,
        };
        vm.call("_initialize", &[])?;
        vm.call("proxy_on_context_create", &[ROOT, 0])?;
        vm.call("proxy_on_vm_start", &[ROOT, 0])?;
        Ok(vm)
    }

    /// Returns a VM that has accepted the configuration.
    pub(crate) fn configured(envoy: Envoy) -> Self {
        let mut vm = Self::start(envoy).expect("a started VM");
        let accepted = vm.configure().expect("no trap");
        assert!(accepted, "refused: {:?}", vm.store.data().logged);
        vm.store.data_mut().called.clear();
        vm
    }

    /// Makes the callback of the configuration; whether it was accepted.
    pub(crate) fn configure(&mut self) -> Result<bool, Error> {
        let size = i32::try_from(CONFIGURATION.len()).expect("a short text");
        Ok(self.call("proxy_on_configure", &[ROOT, size])? != 0)
    }

    /// Makes all callbacks of one request; returns the first action that stops it.
    pub(crate) fn request(&mut self) -> Result<i32, Error> {
        self.contexts += 1;
        let context = self.contexts;
        self.call("proxy_on_context_create", &[context, ROOT])?;
        let mut action = self.call("proxy_on_request_headers", &[context, 4, 0])?;
        if action == CONTINUE {
            action = self.call("proxy_on_request_trailers", &[context, 1])?;
        }
        self.call("proxy_on_response_headers", &[context, 2, 0])?;
        self.call("proxy_on_delete", &[context])?;
        Ok(action)
    }

    /// Calls an export; its result, or 0 where it has none.
    fn call(&mut self, export: &str, arguments: &[i32]) -> Result<i32, Error> {
        let function = self.instance.get_func(&self.store, export);
        let function = function.unwrap_or_else(|| panic!("the module exports {export}"));
        let arguments: Vec<Val> = arguments.iter().map(|value| Val::I32(*value)).collect();
        let results = function.ty(&self.store).results().len();
        let mut result = vec![Val::I32(0); results];
        function.call(&mut self.store, &arguments, &mut result)?;
        Ok(result.first().and_then(Val::i32).unwrap_or(0))
    }
}

/// The module, which is translated once for all tests.
pub(crate) fn compiled() -> &'static (Engine, Module) {
    static COMPILED: OnceLock<(Engine, Module)> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let engine = Engine::default();
        let bytes = std::fs::read(wasm_module()).expect("the module");
        let module = Module::new(&engine, bytes).expect("a valid module");
        (engine, module)
    })
}

/// Defines every import of the module as a call of [`answer`].
fn linker(engine: &Engine, module: &Module) -> Linker<Envoy> {
    let mut linker = Linker::new(engine);
    for import in module.imports() {
        let name = import.name().to_owned();
        let kind = import.ty().func().expect("imports are functions").clone();
        assert_eq!(kind.results(), [ValType::I32], "{name} returns a status");
        let called = move |mut caller: Caller<'_, Envoy>, values: &[Val], status: &mut [Val]| {
            // Offsets of 64 bits are metrics' only.
            let arguments: Vec<i32> = values.iter().map(|v| v.i32().unwrap_or(0)).collect();
            status[0] = Val::I32(answer(&mut caller, &name, &arguments)?);
            Ok(())
        };
        linker
            .func_new(import.module(), import.name(), kind, called)
            .expect("each import once");
    }
    linker
}

/// Does what Envoy does for the hostcall of that name; returns the status.
fn answer(caller: &mut Caller<'_, Envoy>, name: &str, arguments: &[i32]) -> Result<i32, Error> {
    let envoy = caller.data_mut();
    envoy.called.insert(name.to_owned());
    if let Some(status) = envoy.refusal(name) {
        return Ok(status);
    }
    match (name, arguments) {
        ("proxy_get_buffer_bytes", [_, _, _, data, size]) => {
            give(caller, CONFIGURATION.as_bytes(), *data, *size)
        }
        ("proxy_get_header_map_pairs", [map, data, size]) => {
            let map = caller.data().maps.get(map).cloned().unwrap_or_default();
            give(caller, &map, *data, *size)
        }
        ("proxy_get_property", [path, length, data, size]) => {
            let path = take(caller, *path, *length);
            match caller.data().properties.get(&path).cloned() {
                Some(value) => give(caller, &value, *data, *size),
                None => Ok(NOT_FOUND),
            }
        }
        ("proxy_set_property", [path, length, value, size]) => {
            let (path, value) = (take(caller, *path, *length), take(caller, *value, *size));
            caller.data_mut().properties.insert(path, value);
            Ok(OK)
        }
        ("proxy_log", [_, message, size]) => {
            let message = take(caller, *message, *size);
            let message = String::from_utf8_lossy(&message).into_owned();
            caller.data_mut().logged.push(message);
            Ok(OK)
        }
        _ => Ok(OK),
    }
}

fn memory(caller: &Caller<'_, Envoy>) -> Memory {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    memory.expect("the module exports its memory")
}

/// Copies what the module passes.
fn take(caller: &Caller<'_, Envoy>, at: i32, size: i32) -> Vec<u8> {
    let (at, size) = (at as u32 as usize, size as u32 as usize);
    memory(caller).data(caller)[at..at + size].to_vec()
}

/// Returns bytes in memory of the module's allocator; no bytes are returned without memory, as
/// Envoy does.
fn give(caller: &mut Caller<'_, Envoy>, bytes: &[u8], data: i32, size: i32) -> Result<i32, Error> {
    if bytes.is_empty() {
        return Ok(OK);
    }
    let length = i32::try_from(bytes.len()).expect("less than 2 GiB");
    let malloc = caller.get_export("malloc").and_then(Extern::into_func);
    let malloc = malloc.expect("the module exports malloc");
    let mut address = [Val::I32(0)];
    malloc.call(&mut *caller, &[Val::I32(length)], &mut address)?;
    let address = address[0].i32().unwrap_or(0);
    let memory = memory(caller);
    for (at, value) in [
        (address, bytes),
        (data, &address.to_le_bytes()),
        (size, &length.to_le_bytes()),
    ] {
        let at = at as u32 as usize;
        memory
            .write(&mut *caller, at, value)
            .expect("an address of the module's");
    }
    Ok(OK)
}
