"""The laboratory's parts: namespaces, routers, gateways, hosts and the nodes on them."""
