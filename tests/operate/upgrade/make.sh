#!/bin/sh
# Makes NAME.sql: the database of an earlier COMMIT, with facts of most kinds in it, as its own commands made them.
#     tests/operate/upgrade/make.sh COMMIT NAME
# In a checkout with a .venv whose packages that commit can run with. Needs git, curl and a free port 8953.
set -eu
here=$(cd "$(dirname "$0")" && pwd) top=$(git -C "$here" rev-parse --show-toplevel)
work=$(mktemp -d) && chmod 755 "$work" && trap 'rm -rf "$work"' EXIT
git -C "$top" archive "$1" | tar -x -C "$work"
python=$top/.venv/bin/python
export LEDGER_DATA_DIR="$work/data" PYTHONPATH="$work"
ledger() { "$python" -c "from web.commands.main import main; main()" "$@"; }
programs=$("$python" -c "from web.runtime.postgres.programs import find_programs; print(find_programs().folder)")

cd "$work"
"$python" -c "from web.commands.main import main; main()" serve --bind 127.0.0.1:8953 >served 2>&1 & server=$!
trap 'kill $server 2>/dev/null; wait $server; rm -rf "$work"' EXIT
until grep -q "valid for a day: " served; do kill -0 $server; sleep 0.2; done
token=$(sed -n 's/.*valid for a day: \([0-9a-f]*\)$/\1/p' served)
api=http://127.0.0.1:8953/api/marketplace-component-usages
post() { curl -sf -H "Authorization: Token $token" -H "Content-Type: application/json" -d "$2" "$1"; }
for amount in 10 20.50 15; do
    post $api/set_usage/ '{"resource": "00000000000040008000000000000701", "usages": [{"type": "cpu", "amount": "'$amount'"}]}'
done
usage=$(curl -sf -H "Authorization: Token $token" "$api/?type=cpu" | sed 's/.*"uuid":"\([0-9a-f]*\)".*/\1/')
post "$api/$usage/set_user_usage/" '{"username": "alice", "usage": "3.25"}' || true
ledger user create bob
ledger token create bob >/dev/null
ledger carry-over || true
ledger forget bob --reason "asked to" || true
ledger verify || true
curl -sf -H "Authorization: Token $token" "http://127.0.0.1:8953/api/ledger/checkpoint" || true
password=$(cat data/postgres.password) port=$(sed -n 4p data/postgres/postmaster.pid)
"$programs/pg_dump" --no-owner --no-privileges --dbname="postgresql://ledger:$password@127.0.0.1:$port/usage_ledger" \
    | sed '/^\\\(un\)\?restrict /d' >"$here/$2.sql"
