# shellcheck shell=sh
# A private MongoDB replica set of three members on 127.0.0.1: keyfile, authentication, the users of mongo-init.
# All of it lives in one state folder: ports, pid files, logs, data.

MEMBERS='1 2 3'

# mongo_ports DIR: the three ports, chosen once and kept as long as they are free.
mongo_ports() {
    if [ -s "$1/mongo.ports" ]; then
        _taken=''
        for _m in $MEMBERS; do
            is_running "$1/mongo$_m.pid" || port_is_free "$(member_port "$1" "$_m")" || _taken=yes
        done
        [ -n "$_taken" ] || return 0
        # New ports for all three, so the running ones, if any, must come down first.
        mongo_stop "$1"
    fi
    free_ports 27100 3 "$1" >"$1/mongo.ports"
}

member_port() { sed -n "$2p" "$1/mongo.ports"; }

# member_address DIR NUMBER: 127.0.0.1, or the member's own address when it lives in a network of its own (netns.sh).
member_address() {
    if [ -s "$1/mongo.addresses" ]; then sed -n "$2p" "$1/mongo.addresses"; else echo 127.0.0.1; fi
}

# mongo_hosts DIR: "ADDRESS:a,ADDRESS:b,ADDRESS:c".
mongo_hosts() {
    for _m in $MEMBERS; do printf '%s:%s\n' "$(member_address "$1" "$_m")" "$(member_port "$1" "$_m")"; done | paste -sd, -
}

# mongo_uri DIR: without credentials; user and password are given to the driver apart from it.
mongo_uri() { printf 'mongodb://%s/?replicaSet=daraa\n' "$(mongo_hosts "$1")"; }

# mongo_member_start DIR NUMBER TTL_MONITOR
mongo_member_start() {
    if is_running "$1/mongo$2.pid"; then return 0; fi
    mkdir -p "$1/mongo$2"
    # mongod keeps its previous log under another name at each start; one of them is enough.
    rm -f "$1/mongo$2.log".*
    cat >"$1/mongo$2.conf" <<CONF
net: { bindIp: $(member_address "$1" "$2"), port: $(member_port "$1" "$2"), unixDomainSocket: { enabled: false } }
replication: { replSetName: daraa, oplogSizeMB: 512 }
security: { authorization: enabled, keyFile: "$1/secrets/mongo_keyfile" }
storage:
  dbPath: "$1/mongo$2"
  wiredTiger: { engineConfig: { cacheSizeGB: 0.25 } }
systemLog: { destination: file, path: "$1/mongo$2.log", logAppend: false, logRotate: rename }
# diagnosticData: statistics for MongoDB's own support; nobody reads them here and they cost disk and CPU all the time.
# shutdownTimeout: by default a stopping primary serves on for 15 s; here its clients were stopped before it.
# oplogNetworkTimeoutBuffer, oplogFetcherSteadyStateMaxFetcherRestarts: docs/decisions/0009.
# ttlMonitor: off for tests, whose clocks show other days than the machine's; documents would vanish under them.
setParameter:
  diagnosticDataCollectionEnabled: false
  shutdownTimeoutMillisForSignaledShutdown: 500
  oplogNetworkTimeoutBufferSeconds: 1
  oplogFetcherSteadyStateMaxFetcherRestarts: 0
  ttlMonitorEnabled: $3
CONF
    # shellcheck disable=SC2046 # no word, or several
    start_detached "$1/mongo$2.pid" "$1/mongo$2.out" $(member_prefix "$1" "$2") "$MONGOD" --quiet --config "$1/mongo$2.conf"
}

# member_prefix DIR NUMBER: what puts the member into its own network, where it has one.
member_prefix() { [ ! -s "$1/mongo.addresses" ] || printf 'ip netns exec %s\n' "$(netns_name "$2")"; }

# mongo_start DIR [--test-users]: ends when the set has a primary and all its users. Needs need_mongod, need_pymongo.
mongo_start() {
    mkdir -p "$1"
    mongo_ports "$1"
    _ttl=true
    [ "${2:-}" != --test-users ] || _ttl=false
    for _m in $MEMBERS; do mongo_member_start "$1" "$_m" "$_ttl"; done
    mongo_members_file "$1"
    # shellcheck disable=SC2046 # three words
    if ! with_pymongo mongo_init.py --secrets "$1/secrets" ${2:+"$2"} $(mongo_hosts "$1" | tr , ' ') >&2; then
        for _m in $MEMBERS; do
            is_running "$1/mongo$_m.pid" || show_log "$1/mongo$_m.log"
            show_log "$1/mongo$_m.out"
        done
        die "the replica set in $1 did not come up"
    fi
    note "replica set daraa: $(mongo_hosts "$1")"
}

# mongo_members_file DIR: members.json, for tools that end or freeze a member on purpose.
mongo_members_file() {
    {
        printf '['
        for _m in $MEMBERS; do
            [ "$_m" = 1 ] || printf ','
            printf '{"name":"mongo%s","port":%s,"pid":%s}' "$_m" "$(member_port "$1" "$_m")" \
                "$(pid_of "$1/mongo$_m.pid" || echo null)"
        done
        printf ']\n'
    } >"$1/members.json"
}

mongo_running() {
    for _m in $MEMBERS; do is_running "$1/mongo$_m.pid" || return 1; done
}

# mongo_stop DIR: all members at once; a set that comes down together needs no election.
mongo_stop() {
    for _m in $MEMBERS; do
        if _p=$(pid_of "$1/mongo$_m.pid"); then kill -TERM "$_p" 2>/dev/null || :; fi
    done
    for _m in $MEMBERS; do stop_process "mongod $_m" "$1/mongo$_m.pid" 30; done
}

# with_pymongo SCRIPT ARGUMENT...: a script of this folder that talks to MongoDB.
with_pymongo() {
    _script=$1
    shift
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PYMONGO_DIR python3 "$ROOT/scripts/lib/$_script" "$@"
}

# mongo_ask DIR WHAT: see mongo_ask.py.
mongo_ask() {
    # shellcheck disable=SC2046 # three words
    with_pymongo mongo_ask.py --secrets "$1/secrets" "$2" $(mongo_hosts "$1" | tr , ' ')
}

# mongo_primary DIR: the number of the member that is the primary now; nothing when there is none.
mongo_primary() {
    _host=$(mongo_ask "$1" primary) || return 0
    for _m in $MEMBERS; do
        [ "$(member_address "$1" "$_m"):$(member_port "$1" "$_m")" != "$_host" ] || echo "$_m"
    done
}

# mongo_primary_pid DIR: its process.
mongo_primary_pid() {
    _n=$(mongo_primary "$1")
    [ -z "$_n" ] || pid_of "$1/mongo$_n.pid"
}
