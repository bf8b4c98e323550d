#!/bin/sh
# Creates a CA and the certificates of a server and a client in the given folder, unless they exist
# and stay valid for another day. For trials only: the CA's key is discarded, and everything expires
# after 30 days.
set -eu
cd "$1"

if [ -f client.crt ] && openssl x509 -checkend 86400 -noout -in client.crt >/dev/null; then
    exit 0
fi
umask 077
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

new_key() {
    openssl ecparam -genkey -name prime256v1 -noout -out "$1"
}

# issue NAME SUBJECT EXTENSIONS
issue() {
    new_key "$1.key"
    openssl req -new -key "$1.key" -subj "$2" -out "$scratch/$1.csr"
    printf '%b' "$3" >"$scratch/$1.ext"
    openssl x509 -req -in "$scratch/$1.csr" -CA ca.crt -CAkey "$scratch/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
        -days 30 -sha256 -extfile "$scratch/$1.ext" -out "$1.crt"
}

new_key "$scratch/ca.key"
openssl req -x509 -new -key "$scratch/ca.key" -subj "/O=Example/CN=Example CA" -days 30 -sha256 -out ca.crt
issue server "/CN=api.example.com" \
    "subjectAltName=DNS:example.com,DNS:*.example.com,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"
issue client "/O=Example/CN=client-1" \
    "subjectAltName=URI:spiffe://example.com/client-1\nextendedKeyUsage=clientAuth\n"

# The files belong to the folder's owner on the host. Envoy runs as another user: it must be able to
# enter the folder and read the server's key.
chown "$(stat -c %u:%g .)" ca.crt server.crt server.key client.crt client.key
chmod 644 ca.crt server.crt client.crt server.key
chmod a+x .
