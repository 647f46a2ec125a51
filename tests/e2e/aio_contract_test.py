#!/usr/bin/env python3
"""The original's wasmer-aio scenario, E16 to E21: flows, a target and an app in one process, in the shape of its files."""
import json
import unittest

from aio_harness import Aio, AioCase
from harness import ReservedPort, flow_yaml, get, guest, http_sink, main, missing_guests, post


@unittest.skipIf(missing_guests("route_go", "processor_go"), "built without Go guests")
class Scenario(AioCase):
    def setUp(self):
        self.backend = self.service(lambda asked: (200, {"Content-Type": "application/json"}, b'{"status":"ok"}'))
        self.port, self.app_port = self.closing(ReservedPort()).port, self.closing(ReservedPort()).port

        def flow(name, path, to):
            return flow_yaml(name, path=path, address=f"127.0.0.1:{self.port}", module=guest("route_go"), interceptor="      runtime: wasmer\n",
                             sink=http_sink(f"http://127.0.0.1:{self.backend.port}{to}"))
        self.files_of({"order": flow("order-flow", "/events/order", "/orders"),
                       "notification": flow("notification-flow", "/events/notification", "/notifications")},
                      f"  - {{name: api, protocol: http, host: 127.0.0.1, port: {self.backend.port}, basePath: /api}}\n")
        (self.folder / "aio.yaml").write_text(f"""
flow:
  configDir: {self.flows.path}
  metricsAddr: ":9090"
link:
  configPath: {self.folder}/link.yaml
  listenAddr: "127.0.0.1:0"
wasmer:
  defaultPortRange: {{min: 9000, max: 9999}}
  apps:
    - name: processor
      module: {guest('processor_go')}
      execution: longRunning
      port: {self.app_port}
      memoryMB: 128
      timeout: 30s
      healthCheck: /health
      healthCheckInterval: 10s
      env: {{APP_NAME: processor}}
""")
        # FISO_METRICS_ADDR wins over the file; FISO_CONFIG_DIR and FISO_LINK_CONFIG are set as the original's files have them.
        self.aio = self.closing(Aio(self.folder / "aio.yaml", FISO_CONFIG_DIR=self.flows.path,
                                    FISO_LINK_CONFIG=self.folder / "link.yaml")).wait_ready()

    def test_E16_to_E21(self):
        order = {"order_id": "ORD-AIO-001", "items": [{"sku": "A", "qty": 2, "price": 49.99}], "customer": "CUST-001"}
        self.assertEqual(post(self.port, "/events/order", order).status, 200)                                    # E16
        said = self.backend.asked[0]
        data = json.loads(said["body"])["data"]
        self.assertEqual((said["path"], data["aio_transformed"], data["aio_type"], data["aio_calculated_total"], data["aio_runtime"]),
                         ("/orders", True, "order", 99.98, "wasmer"))
        for count in (1, 2):                                                                                     # E17
            answer = get(self.app_port, "/process")
            self.assertEqual(answer.status, 200)
            self.assertEqual((answer.json()["processor"], answer.json()["count"], answer.json()["request_id"]),
                             ("processor", count, f"req-{count}"))
        self.assertEqual(get(self.aio.link_port, "/link/api/health").status, 200)                                # E18
        self.assertEqual(self.backend.asked[1]["path"], "/api/health")
        self.assertEqual(post(self.port, "/events/notification", {"type": "email", "to": "a@b.c"}).status, 200)  # E19
        data = json.loads(self.backend.asked[2]["body"])["data"]
        self.assertEqual((self.backend.asked[2]["path"], data["aio_type"], data["aio_routed"]), ("/notifications", "notification", True))
        health = get(self.aio.admin_port, "/healthz")                                                            # E20
        self.assertEqual((health.status, health.json()), (200, {"status": "ok"}))
        metrics = get(self.aio.admin_port, "/metrics")                                                           # E21
        self.assertEqual(metrics.status, 200)
        for series in ("fiso_flow_events_total", "fiso_link_requests_total", "fiso_app_requests_total"):
            self.assertIn(series, metrics.text)
        self.assertEqual(len(self.aio.log("all components started")), 1)
        self.assertEqual(self.aio.stop(), 0)


if __name__ == "__main__":
    main()
