#!/bin/sh
# A worker that needs nothing but curl: it takes jobs over HTTP and does them with a command, which gets the workload
# on its stdin and says the result on its stdout. What it says on stderr is why a job has failed.
#
#     sh examples/http-worker.sh shout tr a-z A-Z
#
# The server is GEARTRAIN_HTTP_URL, or http://127.0.0.1:4731; a token, if it takes one, is in GEARTRAIN_TOKEN.

function=$1
shift
work=${GEARTRAIN_HTTP_URL:-http://127.0.0.1:4731}/api/work
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 0' INT TERM

# Writes the status of the answer. What cannot be reached is tried again.
post() {
  curl -sS --retry 5 --retry-connrefused -w '%{http_code}' \
    ${GEARTRAIN_TOKEN:+-H "Authorization: Bearer $GEARTRAIN_TOKEN"} "$@"
}

# While a command takes its time, the lease is renewed.
renew() {
  while sleep 20; do post -o /dev/null -X POST "$work/$1/extend"; done
}

while :; do
  status=$(post -m 60 -D "$dir/headers" -o "$dir/workload" \
    -H 'Content-Type: application/json' -H 'Accept: application/octet-stream' \
    -d "{\"functions\": [\"$function\"], \"wait\": \"30s\", \"lease\": \"60s\", \"worker\": \"http-worker.sh\"}" "$work/take")
  case $status in
  200) ;;
  204) continue ;;
  *)
    echo "http-worker.sh: no job could be taken: $status $(cat "$dir/workload")" >&2
    exit 1
    ;;
  esac

  lease=$(sed -n 's/^x-gearman-lease: *\([^[:space:]]*\).*/\1/p' "$dir/headers")
  renew "$lease" >/dev/null 2>&1 &
  renewer=$!
  if "$@" <"$dir/workload" >"$dir/result" 2>"$dir/error"; then
    post -o /dev/null --data-binary "@$dir/result" "$work/$lease/complete" >/dev/null
  else
    post -o /dev/null --data-binary "@$dir/error" "$work/$lease/fail" >/dev/null
  fi
  kill "$renewer" 2>/dev/null
done
