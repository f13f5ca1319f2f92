#!/bin/sh
# All system tests, or those whose name has the word of --only in it.
set -eu
cd "$(dirname "$0")/../.."
case ${1:-} in
  '') exec npx vitest run --project system ;;
  --only) [ $# -eq 2 ] && exec npx vitest run --project system -t "$2" ;;
  --only=*) exec npx vitest run --project system -t "${1#*=}" ;;
esac
echo 'usage: npm run test:system [-- --only CASE]' >&2
exit 2
