"""Runs the stack of envoy/docker-compose.yaml under its own project name, on ephemeral ports."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import stand_in

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
COMPOSE_FILE = REPOSITORY / "envoy" / "docker-compose.yaml"
MODULE = REPOSITORY / "dist" / "client_cert_forwarder.wasm"
# Every service without a profile, and its state once the stack is up.
UP = {"certificates": "done", "origin": "healthy", "envoy": "healthy"}
# The same with the services of every profile.
UP_WITH_PROFILES = {**UP, "settings-api": "healthy", "envoy-settings-api": "healthy", "envoy-fast-path": "healthy"}
# Seconds until every service is healthy.
PATIENCE = 90
# Seconds that pulling an image may take.
PULL = 300


class Unavailable(Exception):
    """A program or file is missing; the message says which and what to do."""


class Stack:
    """The stack; it is up inside the `with` block, and always removed after it."""

    def __init__(self):
        self.compose = [*compose_command(), "-p", f"client-cert-forwarder-test-{os.getpid()}", "-f", str(COMPOSE_FILE)]
        # Covers the services of the profiles, which plain Compose commands ignore.
        self.with_profiles = [*self.compose, "--profile", "settings-api", "--profile", "fast-path"]
        self.stand_ins = []
        self.settings_api = pathlib.Path(os.environ["SETTINGS_API_BINARY"]).resolve()
        for built, build in [(MODULE, "make wasm"), (self.settings_api, "cargo build --locked -p settings-api")]:
            if not built.is_file():
                raise Unavailable(f"{built} is missing: run `{build}`")

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="compose-test-")
        self.tls = pathlib.Path(self.scratch.name)
        ports = ["HTTPS_PORT", "ADMIN_PORT", "SETTINGS_API_PORT", "SETTINGS_API_HTTPS_PORT", "FAST_PATH_HTTPS_PORT"]
        self.environment = {
            **os.environ,
            **dict.fromkeys(ports, ""),
            "TLS_FOLDER": self.scratch.name,
            "SETTINGS_API_BINARY": str(self.settings_api),
        }
        try:
            self.choose_images()
            subprocess.run([*self.compose, "up", "-d"], env=self.environment, check=True)
            self.wait(UP)
            self.https_port, self.admin_port = (self.port("envoy", port) for port in (8443, 9901))
        except BaseException:
            self.print_logs()
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.run("down", "--volumes", "--remove-orphans", "--timeout", "5")
        if self.stand_ins:
            subprocess.run(["docker", "image", "rm", *self.stand_ins], stdout=subprocess.DEVNULL)
        self.scratch.cleanup()

    def add_profiles(self):
        """Starts the services of the profiles in addition."""
        self.run("up", "-d", check=True)
        self.wait(UP_WITH_PROFILES)
        self.find_settings_api()
        self.fast_path_https_port = self.port("envoy-fast-path", 8443)

    def recreate_settings_api(self):
        """Replaces the settings API's container with a new one."""
        self.run("up", "-d", "--no-deps", "--force-recreate", "settings-api", check=True)
        self.wait(UP_WITH_PROFILES)
        self.find_settings_api()

    def find_settings_api(self):
        """Reads the ports of the profile's services; a new container may change them."""
        self.settings_api_port = self.port("settings-api", 8787)
        self.settings_api_https_port = self.port("envoy-settings-api", 8443)

    def choose_images(self):
        """Uses the images of the environment or the Compose file; builds stand-ins for the others."""
        version = os.environ["ENVOY_VERSION"]
        envoy = pathlib.Path(os.environ["ENVOY_BIN"])
        for variable, make in [
            ("ENVOY_IMAGE", lambda name: stand_in.envoy(name, envoy)),
            ("PYTHON_IMAGE", stand_in.python),
            ("SETTINGS_API_IMAGE", lambda name: stand_in.glibc(name, self.settings_api)),
        ]:
            image = os.environ.get(variable) or self.default_image(variable)
            if available(image):
                print(f"compose-test: {variable} is {image}", flush=True)
                continue
            program = variable.removesuffix("_IMAGE").lower().replace("_", "-")
            name = f"client-cert-forwarder-stand-in/{program}:{version}-{os.getpid()}"
            print(f"compose-test: {image} cannot be pulled: building a stand-in from this machine's programs", flush=True)
            make(name)
            self.stand_ins.append(name)
            self.environment[variable] = name

    def default_image(self, variable):
        """Returns the variable's default in the Compose file."""
        text = COMPOSE_FILE.read_text()
        return text.split("${" + variable + ":-")[1].split("}")[0]

    def wait(self, expected):
        """Waits until exactly these services exist, each in its state."""
        end = time.monotonic() + PATIENCE
        while (states := self.states()) != expected:
            if time.monotonic() > end or "failed" in states.values():
                raise RuntimeError(f"the stack did not come up: {states}")
            time.sleep(0.5)

    def states(self):
        """Returns each service's state: starting, healthy, unhealthy, done or failed."""
        ids = self.output("ps", "-a", "-q").split()
        containers = json.loads(docker("inspect", *ids)) if ids else []
        return {container["Config"]["Labels"]["com.docker.compose.service"]: state(container) for container in containers}

    def port(self, service, port):
        """Returns the port on 127.0.0.1 on which the service's port is published."""
        address, port = self.output("port", service, str(port)).strip().rsplit(":", 1)
        if address != "127.0.0.1":
            raise RuntimeError(f"{service} is published on {address}, not on 127.0.0.1 alone")
        return int(port)

    def print_logs(self):
        """Prints the logs of all services."""
        print("--- logs ---", flush=True)
        self.run("logs", "--no-color", "--timestamps")
        print("--- end of logs ---", flush=True)

    def run(self, *arguments, check=False):
        subprocess.run([*self.with_profiles, *arguments], env=self.environment, check=check)

    def output(self, *arguments):
        return subprocess.run(
            [*self.with_profiles, *arguments], env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout


def state(container):
    state = container["State"]
    if state["Status"] == "exited":
        return "failed" if state["ExitCode"] else "done"
    return state["Health"]["Status"] if "Health" in state else state["Status"]


def compose_command():
    """Compose 2 where it is, else Compose 1."""
    if not shutil.which("docker"):
        raise Unavailable("docker is missing: install the Docker command line and start an engine")
    if subprocess.run(["docker", "version"], capture_output=True, timeout=60).returncode:
        raise Unavailable("no Docker engine answers `docker version`: start one, or set DOCKER_HOST")
    if not subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise Unavailable("neither `docker compose` nor docker-compose is there: install Compose 2, or 1.29")


def available(image):
    """Returns whether the engine has the image or can pull it."""
    if not subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode:
        return True
    try:
        return not subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, timeout=PULL).returncode
    except subprocess.TimeoutExpired:
        return False


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout
