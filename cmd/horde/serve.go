package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"horde/internal/admission"
	"horde/internal/node"
)

// ServeCmd runs a server.
type ServeCmd struct {
	Listen string `default:"127.0.0.1:7001"`
	Data   string `default:"./data"`
	DB     string `name:"db"`
	Images string `env:"HORDE_MODEL_REFERENCE_IMAGES"`
	Admin  string `env:"ADMINS"`
}

// Run serves.
func (c *ServeCmd) Run(con *console) error {
	start := time.Now()
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	var admins []string
	_ = json.Unmarshal([]byte(c.Admin), &admins)
	n, err := node.Open(con.ctx, node.Options{Data: c.Data, DBURL: c.DB, Listener: l, Admins: func() []string { return admins },
		KeySecret: "x", BlobSecret: []byte("0123456789abcdef"), ModelsImage: c.Images, TestAccounts: os.Getenv("HORDE_TEST_APIKEYS") == "1",
		Log: con.log, Server: admission.Server{}})
	if err != nil {
		return err
	}
	fmt.Fprintf(con.stderr, "listening on %s after %v\n", l.Addr(), time.Since(start))
	return n.Run(con.ctx)
}
