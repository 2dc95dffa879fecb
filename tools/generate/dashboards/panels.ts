/* eslint-disable @typescript-eslint/no-deprecated -- the schema that Grafana 11 and 12 read from files; the second one is for their API */
import {
  type Dashboard,
  DashboardBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

const DATA_SOURCE = { type: 'prometheus', uid: 'prometheus' };
/** Of 24 columns. */
const WIDTHS = { stat: 4, graph: 12 };
const HEIGHTS = { stat: 4, graph: 8 };

export type ClassicDashboard = Dashboard;

/** What a panel shows: queries by what they are called in the legend, in a unit of Grafana's. */
export interface Shown {
  readonly title: string;
  /** What it means, and what to make of it. */
  readonly description: string;
  readonly unit: string;
  /** By legend; `{{label}}` stands for a label. */
  readonly queries: Readonly<Record<string, string>>;
  /** For figures: from here on they are orange. */
  readonly warnAt?: number;
}

interface Contents {
  /** In one line at the top. */
  readonly figures: readonly Shown[];
  /** Curves, by the title of their row. */
  readonly rows: Readonly<Record<string, readonly Shown[]>>;
  /** What is chosen at the top; queries have it as `$NAME`. */
  readonly variable?: { readonly name: string; readonly label: string; readonly query: string };
}

/** The queries of a panel, each with a letter of its own. */
function toTargets(queries: Shown['queries']): DataqueryBuilder[] {
  return Object.entries(queries).map(([legend, expression], index) =>
    new DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .expr(expression)
      .legendFormat(legend),
  );
}

/** A curve over time for each series. */
function graph({ title, description, unit, queries }: Shown): TimeSeriesBuilder {
  const panel = new TimeSeriesBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .min(0)
    .fillOpacity(10)
    .datasource(DATA_SOURCE)
    .span(WIDTHS.graph)
    .height(HEIGHTS.graph);
  for (const target of toTargets(queries)) panel.withTarget(target);
  return panel;
}

/** One figure. */
function figure({ title, description, unit, queries, warnAt }: Shown): StatBuilder {
  const steps = [
    { color: 'green', value: null },
    ...(warnAt === undefined ? [] : [{ color: 'orange', value: warnAt }]),
  ];
  const panel = new StatBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(DATA_SOURCE)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
    .span(WIDTHS.stat)
    .height(HEIGHTS.stat);
  for (const target of toTargets(queries)) panel.withTarget(target);
  return panel;
}

/** A dashboard of the last hours. Its uid is the name of its file. */
export function dashboard(uid: string, title: string, { figures, rows, variable }: Contents): DashboardBuilder {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .tags(['guise'])
    .readonly()
    .time({ from: 'now-3h', to: 'now' })
    .refresh('15s')
    .timezone('browser');
  if (variable !== undefined) {
    const { name, label, query } = variable;
    builder.withVariable(new QueryVariableBuilder(name).label(label).datasource(DATA_SOURCE).query(query));
  }
  for (const each of figures) builder.withPanel(figure(each));
  for (const [name, graphs] of Object.entries(rows)) {
    builder.withRow(new RowBuilder(name));
    for (const each of graphs) builder.withPanel(graph(each));
  }
  return builder;
}
