package api_test

import (
	"encoding/json"
	"fmt"

	"horde/api"
)

// A request names only what differs from the server's defaults.
func ExampleImageRequest() {
	width, height := 768, 512
	body, err := json.Marshal(api.ImageRequest{
		Prompt: "a red fox ### people",
		Models: &[]string{},
		Params: &api.ImageParams{Width: &width, Height: &height, SamplerName: "k_euler"},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(body))
	// Output:
	// {"prompt":"a red fox ### people","params":{"width":768,"height":512,"sampler_name":"k_euler"},"models":[]}
}

// Kudos always have a decimal point.
func ExampleFloat() {
	body, err := json.Marshal([]api.Float{10, 12.5})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(body))
	// Output: [10.0,12.5]
}

// A server says all that is wrong with a body at once.
func ExampleSchema_Validate() {
	var body any
	if err := json.Unmarshal([]byte(`{"prompt": "a fox", "params": {"width": 100, "steps": 0}}`), &body); err != nil {
		panic(err)
	}

	violations := api.ImageRequestSchema.Validate(body)
	fmt.Println(violations["params.width"])
	fmt.Println(violations["params.steps"])
	// Output:
	// 100.0 is not a multiple of 64
	// 0.0 is less than the minimum of 1
}

// A refusal has a code that programs go by.
func ExampleError() {
	var refused api.Error
	if err := json.Unmarshal([]byte(`{"message": "The API key is unknown.", "rc": "InvalidAPIKey"}`),
		&refused); err != nil {
		panic(err)
	}
	fmt.Println(refused.RC == "InvalidAPIKey", &refused)
	// Output: true InvalidAPIKey: The API key is unknown.
}

// How long a job still takes, from the events of its request.
func ExampleJobProgress_Left() {
	p := api.JobProgress{Progress: api.Progress{Step: 6, Steps: 24}, Elapsed: 3}
	seconds, known := p.Left()
	fmt.Println(seconds, known)
	// Output: 9 true
}
