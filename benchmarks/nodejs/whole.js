// All that the specification names for a node, loaded: job.js, bonjour, nat-upnp.
"use strict";
require("bonjour");
require("nat-upnp");
require("./job.js");
