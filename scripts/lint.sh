#!/usr/bin/env bash
# Formatting, vet, staticcheck, the direction of imports, the rules of tools/lint, and
# ceilings for how the code reads (tools/style; lower them as it gets better). Prints
# what is wrong and fails then.
set -euo pipefail
cd "$(dirname "$0")/.."
unformatted=$(gofmt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
  echo "not gofmt-ed:" $unformatted >&2
  exit 1
fi
go vet ./...
go tool -modfile=tools/go.mod staticcheck ./...
go test -run TestImportDirection ./internal/rooms
go -C tools vet ./...
go -C tools run ./lint
go -C tools run ./style -check -max-blocks 3 -max-p90 30 -max-long 0.5
