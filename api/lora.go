package api

// LoraInfo describes a LoRA that a request can name in params.loras: an entry of GET
// /api/ext/v1/loras.
type LoraInfo struct {
	Name         string   `json:"name"`
	Title        string   `json:"title"`
	Version      string   `json:"version"`
	ModelID      int      `json:"model_id"`   // names it in place of the name
	VersionID    int      `json:"version_id"` // names it with is_version
	Baseline     string   `json:"baseline"`   // the model that it changes
	TriggerWords []string `json:"trigger_words"`
	License      string   `json:"license"`
	Sample       string   `json:"sample"`  // address of a JPEG image on this server
	Workers      int      `json:"workers"` // online ones that serve the baseline with LoRAs
}
