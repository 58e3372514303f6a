"""What watches over nodes: dashboard, alerts, and a real Prometheus."""
