#!/bin/sh
# A development CA and one server certificate below the folder given: tls.sh FOLDER. Keeps what is still
# valid for a week; makes the rest anew. Never for production.
set -eu
folder=$1
umask 077
mkdir -p "$folder"
if openssl x509 -in "$folder/gateway.pem" -noout -checkend 604800 >/dev/null 2>&1 &&
    openssl verify -CAfile "$folder/ca.pem" "$folder/gateway.pem" >/dev/null 2>&1 &&
    [ -s "$folder/gateway.key" ]; then
    exit 0
fi
new=$folder/new.$$
mkdir "$new"
trap 'rm -rf "$new"' EXIT
openssl ecparam -name prime256v1 -genkey -noout -out "$new/ca.key" 2>/dev/null
openssl req -x509 -new -key "$new/ca.key" -sha256 -days 825 -subj "/CN=Turnpike development CA" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -out "$new/ca.pem" 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out "$new/gateway.key" 2>/dev/null
openssl req -new -key "$new/gateway.key" -subj "/CN=localhost" -out "$new/gateway.csr" 2>/dev/null
cat >"$new/ext" <<EXT
subjectAltName=DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
EXT
openssl x509 -req -in "$new/gateway.csr" -CA "$new/ca.pem" -CAkey "$new/ca.key" -CAcreateserial \
    -sha256 -days 397 -extfile "$new/ext" -out "$new/gateway.pem" 2>/dev/null
mv "$new/ca.key" "$new/gateway.key" "$folder/"
mv "$new/ca.pem" "$folder/ca.pem"
mv "$new/gateway.pem" "$folder/gateway.pem" # last: its presence says that all is there
chmod 644 "$folder/ca.pem" "$folder/gateway.pem"
