#!/bin/sh
# A development CA, one server certificate, and the RSA certificate that the sandbox signs PayPal's webhooks with,
# below the folder given: tls.sh FOLDER. Keeps what is still valid for a week; makes the rest anew. Never for production.
set -eu
folder=$1
umask 077
mkdir -p "$folder"

is_good() { # name: certificate and key are there, valid, and the CA's
    openssl x509 -in "$folder/$1.pem" -noout -checkend 604800 >/dev/null 2>&1 &&
        openssl verify -CAfile "$folder/ca.pem" "$folder/$1.pem" >/dev/null 2>&1 && [ -s "$folder/$1.key" ]
}
issue() { # name subject usage: signs the request of $new/$1.key
    openssl req -new -key "$new/$1.key" -subj "/CN=$2" -out "$new/$1.csr" 2>/dev/null
    cat >"$new/ext" <<EXT
subjectAltName=DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
$3
EXT
    openssl x509 -req -in "$new/$1.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAserial "$new/ca.srl" \
        -CAcreateserial -sha256 -days 397 -extfile "$new/ext" -out "$new/$1.pem" 2>/dev/null
    chmod 644 "$new/$1.pem"
    mv "$new/$1.key" "$folder/$1.key"
    mv "$new/$1.pem" "$folder/$1.pem" # last: its presence says that all is there
}

has_ca_key() { # and it is the one of the certificate
    [ -s "$folder/ca.key" ] && [ "$(openssl pkey -in "$folder/ca.key" -pubout 2>/dev/null)" = \
        "$(openssl x509 -in "$folder/ca.pem" -noout -pubkey 2>/dev/null)" ]
}

if is_good gateway && is_good hook; then
    exit 0
fi
new=$folder/new.$$
mkdir "$new"
trap 'rm -rf "$new"' EXIT
if ! is_good gateway || ! has_ca_key; then
    openssl ecparam -name prime256v1 -genkey -noout -out "$new/ca.key" 2>/dev/null
    openssl req -x509 -new -key "$new/ca.key" -sha256 -days 825 -subj "/CN=Turnpike development CA" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -out "$new/ca.pem" 2>/dev/null
    chmod 644 "$new/ca.pem"
    mv "$new/ca.key" "$new/ca.pem" "$folder/"
    openssl ecparam -name prime256v1 -genkey -noout -out "$new/gateway.key" 2>/dev/null
    issue gateway localhost extendedKeyUsage=serverAuth
fi
openssl genrsa -out "$new/hook.key" 2048 2>/dev/null
issue hook messageverificationcerts.sandbox ""
