//go:build !cgo

package pocket

import "errors"

// loadNetworks needs cgo to call ONNX Runtime.
func loadNetworks(dir, library string, threads int) (networks, error) {
	return nil, noRuntime(errors.New("this binary was built without cgo (CGO_ENABLED=0); build it with a C compiler"))
}
