#!/bin/sh
# Does the same as the example task, with less processor time. bench/runs.ts runs it in place of the container.
set -eu
read -r a <"$1/a" || test -n "$a"
read -r b <"$1/b" || test -n "$b"
printf '%d' "$((a + b))" >"$2/sum"
cat "$1/text" >"$2/echo"
echo "$a + $b = $((a + b))"
