"""Builds container images from this machine's programs, for machines that cannot pull any.

Envoy is the pinned one of `make envoy`; Python, OpenSSL and the shell are the machine's. Each comes
with the shared libraries that ldd lists, at the paths that they have here.
"""

import io
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile

ACCOUNTS = "root:x:0:0:root:/:/bin/sh\nenvoy:x:101:101:envoy:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The programs that envoy/compose/make-certificates.sh calls.
CERTIFICATE_TOOLS = ["sh", "openssl", "mktemp", "rm", "chown", "chmod", "stat"]
# Large parts of the standard library that the origin does not need.
LEFT_OUT = {"site-packages", "dist-packages", "test", "idlelib", "tkinter", "ensurepip", "lib2to3", "__pycache__"}


def envoy(name, binary):
    """Builds an image with Envoy and bash that runs as the same user as Envoy's own image."""
    with Image() as image:
        image.program(binary, "/usr/local/bin/envoy")
        image.program(which("bash"), "/bin/bash")
        image.load(name, ["USER 101:101"])


def python(name):
    """Builds an image with Python, OpenSSL and a shell."""
    with Image() as image:
        interpreter = pathlib.Path(sys.executable).resolve()
        # Python finds its standard library relative to its own path.
        image.program(interpreter, str(interpreter))
        image.link("/usr/local/bin/python3", str(interpreter))
        for folder in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}:
            image.standard_library(pathlib.Path(folder))
        for tool in CERTIFICATE_TOOLS:
            image.program(which(tool), f"/bin/{tool}")
        folder = subprocess.run(["openssl", "version", "-d"], check=True, capture_output=True, text=True).stdout
        configuration = pathlib.Path(re.search(r'"(.+)"', folder)[1], "openssl.cnf")
        image.file(configuration.resolve(), str(configuration))
        image.load(name, [])


def glibc(name, binary):
    """Builds an image with bash and the libraries of a program that is mounted into it."""
    with Image() as image:
        image.program(which("bash"), "/bin/bash")
        image.libraries(binary)
        image.load(name, [])


class Image:
    """A root file system that is turned into an image."""

    def __init__(self):
        self.paths = set()

    def __enter__(self):
        self.scratch = tempfile.TemporaryFile()
        self.archive = tarfile.open(fileobj=self.scratch, mode="w", dereference=True)
        self.text("/etc/passwd", ACCOUNTS)
        self.folder("/tmp", 0o1777)
        return self

    def __exit__(self, *_):
        self.scratch.close()

    def program(self, source, path):
        """Adds a program or shared object and the libraries that it is linked with."""
        self.file(source, path)
        self.libraries(source)

    def libraries(self, source):
        """Adds the libraries that a program is linked with."""
        ldd = subprocess.run(["ldd", source], capture_output=True, text=True)
        # ldd fails for a static program, which has none.
        for library in re.findall(r"(/\S+) \(0x", ldd.stdout):
            self.file(pathlib.Path(library).resolve(), library)

    def standard_library(self, folder):
        """Adds Python's standard library with its extension modules."""
        for source in sorted(folder.rglob("*")):
            if LEFT_OUT.isdisjoint(source.relative_to(folder).parts) and source.is_file():
                add = self.program if source.suffix == ".so" else self.file
                add(source, str(source))

    def file(self, source, path):
        """Adds a file, readable by all, and executable if it is so here."""
        if path not in self.paths:
            self.paths.add(path)
            self.archive.add(source, path, recursive=False, filter=owned_by_root)

    def text(self, path, content):
        """Adds a text file."""
        entry = tarfile.TarInfo(path)
        entry.size = len(content)
        self.archive.addfile(entry, io.BytesIO(content.encode()))

    def folder(self, path, mode):
        """Adds an empty folder."""
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self.archive.addfile(entry)

    def link(self, path, target):
        """Adds a symbolic link, unless it would point to itself."""
        if path not in self.paths:
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            self.archive.addfile(entry)

    def load(self, name, changes):
        """Loads the image into the Docker engine."""
        self.archive.close()
        self.scratch.seek(0)
        changes = [option for change in [f"ENV {PATH}", *changes] for option in ("--change", change)]
        subprocess.run(["docker", "import", *changes, "-", name], check=True, stdin=self.scratch, stdout=subprocess.DEVNULL)


def owned_by_root(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode |= 0o444
    return entry


def which(program):
    found = shutil.which(program)
    if not found:
        raise SystemExit(f"compose-test: {program} is missing on this machine; the stand-in image needs it")
    return pathlib.Path(found).resolve()
