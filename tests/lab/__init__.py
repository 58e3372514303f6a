"""A laboratory of network namespaces: homes behind real routers, and what a node does there."""
