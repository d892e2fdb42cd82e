#!/usr/bin/env bash
# The wire with nothing but curl: log on, then send message files through the web server.
#
#   examples/post-with-curl.sh https://127.0.0.1:8443/nmci jeanvnet2 interact MESSAGE-FILE...
#
# Prints each response message on a line of its own; the exit status is 1 if one was refused.
# The layers are those of docs/protocol.md under the profile `default`: a web header of 33 octets
# (WEB-02), a dispatcher header of 76 (DSP-01), the message.
set -euo pipefail
if [ $# -lt 4 ]; then
  sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
url=$1 user=$2 password=$3
shift 3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

nuls() { head -c "$1" /dev/zero; }
uint32() { printf "\\x$(printf '%08x' "$1" | sed 's/../&\\x/g; s/\\x$//')"; }

# post TRANSACTION KEY TARGET MESSAGE-FILE RESPONSE-FILE
post() {
  local length=$((76 + $(stat -c %s "$4")))
  {
    printf "\\x0$1"                      # transaction type: 0 logon, 1 transaction, 2 logoff
    printf '%s' "$2"                     # session key, filled with NULs
    nuls $((32 - ${#2}))
    printf '\x01'                        # protocol version
    uint32 "$length"                     # length of dispatcher header and data
    printf '%-8s' "$3"                   # target proxy
    printf '\x00'                        # synchronous
    printf '%28s' ''                     # user and enterprise: the web server fills them in
    nuls 32                              # session key: so too
    printf '\x00\x00'                    # status
    cat "$4"
  } >"$folder/request"
  curl --silent --show-error --insecure --fail-with-body \
    --header 'Content-Type: application/octet-stream' \
    --data-binary "@$folder/request" --output "$5" "$url"
}

field() { tail -c "+$(($2 + 1))" "$1" | head -c "$3"; }  # field FILE OFFSET OCTETS

printf 'VUM<USERID=%s,PASSWORD=%s>' "$user" "$password" >"$folder/logon"
post 0 '' STAROE "$folder/logon" "$folder/reply"
key=$(field "$folder/reply" 1 32 | tr -d '\0')
if [ -z "$key" ]; then
  echo "refused: $(tail -c +110 "$folder/reply")" >&2
  exit 1
fi

refused=0
for message in "$@"; do
  post 1 "$key" RM "$message" "$folder/reply"
  status=$((16#$(field "$folder/reply" 107 2 | od -An -tx1 | tr -d ' \n')))
  tail -c +110 "$folder/reply"
  echo
  if [ "$status" -ne 0 ]; then
    echo "status $status" >&2
    refused=1
  fi
done
: >"$folder/empty"
post 2 "$key" STAROE "$folder/empty" "$folder/reply"
exit "$refused"
