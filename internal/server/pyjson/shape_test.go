package pyjson

import (
	"errors"
	"strings"
	"testing"
)

// named keeps what is called name.
var named = ObjectShape(map[string]*Shape{"name": nil})

func TestSkippedMembersTakeNoMemory(t *testing.T) {
	body := `{"name":"w","x":["` + strings.Repeat(`a\n`, 1<<20) + `",{"y":[` + strings.Repeat(`{},`, 5_000) + `true]}]}`
	if n := testing.AllocsPerRun(5, func() {
		if _, err := ParseShaped(body, named); err != nil {
			t.Fatal(err)
		}
	}); n > 10 {
		t.Errorf("%.0f allocations", n)
	}
}

func TestATextHoldsOnlySoManyValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open, value, end string
		each             int // values in each, besides the three around them
		shape            *Shape
	}{
		"in a list":              {`{"a":[`, `0`, `0]}`, 1, nil},
		"in a list of objects":   {`{"a":[`, `{"":0}`, `0]}`, 2, nil},
		"in lists of lists":      {`{"a":[`, `[[]]`, `0]}`, 2, nil},
		"under one name":         {`{"a":{`, `"b":0`, `"b":0}}`, 1, nil},
		"in a member skipped":    {`{"a":[`, `{"":0}`, `0]}`, 2, named},
		"under one name skipped": {`{"a":{`, `"b":0`, `"b":0}}`, 1, named},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := func(n int) string { return c.open + strings.Repeat(c.value+",", n) + c.end }
			fits := (MaxValues - 3) / c.each
			if _, err := ParseShaped(body(fits), c.shape); err != nil {
				t.Errorf("%d times %s: %v", fits, c.value, err)
			}
			if _, err := ParseShaped(body(fits+1), c.shape); !errors.Is(err, ErrValues) {
				t.Errorf("one more: %v", err)
			}
		})
	}
}
