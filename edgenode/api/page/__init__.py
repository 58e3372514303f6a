"""The status page: made on the node, whole without scripts, kept fresh by one."""
