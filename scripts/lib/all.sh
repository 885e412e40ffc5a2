# shellcheck shell=sh
# Sourced first by every command.

_lib=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/lib
# shellcheck source=scripts/lib/common.sh
. "$_lib/common.sh"
# shellcheck source=scripts/lib/parts.sh
. "$_lib/parts.sh"
# shellcheck source=scripts/lib/mongo.sh
. "$_lib/mongo.sh"
# shellcheck source=scripts/lib/netns.sh
. "$_lib/netns.sh"
# shellcheck source=scripts/lib/redis.sh
. "$_lib/redis.sh"
# shellcheck source=scripts/lib/env.sh
. "$_lib/env.sh"
# shellcheck source=scripts/lib/services.sh
. "$_lib/services.sh"
