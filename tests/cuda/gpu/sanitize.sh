#!/bin/bash
# sanitize.sh TOOL TINY PROGRAM...: runs the program under a tool of compute-sanitizer. Where the platform refuses the tool
# even for TINY, that is a skip.
set -euo pipefail
tool=$1 tiny=$2
shift 2

if [[ ! -x $SANITIZER ]]; then
  echo "$tool: there is no compute-sanitizer here"
  exit 77
fi
"$tiny"
if ! refusal=$("$SANITIZER" --tool "$tool" --error-exitcode 1 "$tiny" 2>&1); then
  echo "$refusal"
  echo "$tool: this platform refuses it"
  exit 77
fi
exec "$SANITIZER" --tool "$tool" --error-exitcode 1 "$@"
