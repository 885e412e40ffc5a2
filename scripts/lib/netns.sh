# shellcheck shell=sh
# A network of its own for each member of a replica set, on a bridge of this machine, so that one can be cut off cleanly.
# Needs root and iproute2. Nothing leaves the machine: the bridge has no way out.

NET=10.213.77
BRIDGE=daraa-net

netns_name() { printf 'daraa-mongo%s\n' "$1"; }
netns_cable() { printf 'daraa-m%s\n' "$1"; }

# netns_possible: whether this machine lets us make networks; says why not.
netns_possible() {
    [ "$(id -u)" = 0 ] || {
        note "not root: members cannot be cut off, the faults that need it are left out"
        return 1
    }
    have ip || apt_install iproute2
    ip netns add daraa-probe 2>/dev/null || {
        note "no network namespaces here: the faults that need them are left out"
        return 1
    }
    ip netns delete daraa-probe
}

# netns_make DIR: the bridge and one network a member; notes the addresses in mongo.addresses.
netns_make() {
    netns_remove "$1"
    ip link add "$BRIDGE" type bridge
    ip address add "$NET.1/24" dev "$BRIDGE"
    ip link set "$BRIDGE" up
    for _m in $MEMBERS; do
        ip netns add "$(netns_name "$_m")"
        ip link add "$(netns_cable "$_m")" type veth peer name eth0 netns "$(netns_name "$_m")"
        ip link set "$(netns_cable "$_m")" master "$BRIDGE" up
        ip -n "$(netns_name "$_m")" address add "$NET.1$_m/24" dev eth0
        ip -n "$(netns_name "$_m")" link set eth0 up
        ip -n "$(netns_name "$_m")" link set lo up
        printf '%s.1%s\n' "$NET" "$_m"
    done >"$1/mongo.addresses"
}

netns_remove() {
    for _m in $MEMBERS; do
        ip link delete "$(netns_cable "$_m")" 2>/dev/null || :
        ip netns delete "$(netns_name "$_m")" 2>/dev/null || :
    done
    ip link delete "$BRIDGE" 2>/dev/null || :
    rm -f "$1/mongo.addresses"
}

# netns_cut NUMBER, netns_join NUMBER: pulls the member's cable, plugs it in again.
netns_cut() { ip link set "$(netns_cable "$1")" down; }
netns_join() { ip link set "$(netns_cable "$1")" up; }
