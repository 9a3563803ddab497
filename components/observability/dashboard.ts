// Dashboards in Grafana's format, built from their panels. The data source is asked for, because every installation has
// another. https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
import { egressProxyDashboard } from "./egress-proxy-panels";
import type { Dashboard, Panel, Row } from "./panel";
import { provisionerDashboard } from "./provisioner-panels";
import type { WatchedParts } from "./rules";
import { sandboxDashboard } from "./sandbox-panels";

/** Grafana's grid is 24 columns wide. */
const [columns, width, height] = [24, 8, 8];

const datasource = { type: "prometheus", uid: "${datasource}" };

/** The dashboards of the given parts. */
export function dashboardsOf({ provisioner, egressProxy }: WatchedParts): Dashboard[] {
  return [
    sandboxDashboard,
    ...(provisioner ? [provisionerDashboard] : []),
    ...(egressProxy ? [egressProxyDashboard] : []),
  ];
}

/** A dashboard as Grafana reads it. */
export function dashboard({ uid, title, rows }: Dashboard) {
  let [id, y] = [0, 0];
  const panels = rows.flatMap((row) => {
    const heading = { ...rowPanel(row), id: ++id, gridPos: { x: 0, y, w: columns, h: 1 } };
    y += 1;
    const inRow = row.panels.map((panel, index) => {
      const x = (index * width) % columns;
      const line = Math.floor((index * width) / columns) * height;
      return { ...graph(panel), id: ++id, gridPos: { x, y: y + line, w: width, h: height } };
    });
    y += Math.ceil((row.panels.length * width) / columns) * height;
    return [heading, ...inRow];
  });
  return {
    uid,
    title,
    tags: ["sandlot"],
    schemaVersion: 39,
    editable: false,
    refresh: "30s",
    time: { from: "now-3h", to: "now" },
    templating: {
      list: [{ name: "datasource", label: "Data source", type: "datasource", query: "prometheus" }],
    },
    panels,
  };
}

function rowPanel({ title }: Row) {
  return { type: "row", title, collapsed: false, panels: [] };
}

function graph({ title, description, unit, queries }: Panel) {
  return {
    type: "timeseries",
    title,
    description,
    datasource,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat: legend,
    })),
  };
}
