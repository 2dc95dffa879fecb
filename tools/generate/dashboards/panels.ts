import { DashboardBuilder, ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

const DATA_SOURCE = { type: 'prometheus', uid: 'prometheus' };
/** Of 24 columns. */
const WIDTHS = { stat: 4, graph: 12 };
const HEIGHTS = { stat: 4, graph: 8 };

/** What a panel shows: queries by what they are called in the legend, in a unit of Grafana's. */
interface Shown {
  readonly title: string;
  /** What it means, and what to make of it. */
  readonly description: string;
  readonly unit: string;
  /** By legend; `{{label}}` stands for a label. */
  readonly queries: Readonly<Record<string, string>>;
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
export function graph({ title, description, unit, queries }: Shown): TimeSeriesBuilder {
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

/** One figure, which turns orange at `warnAt`. */
export function figure(shown: Shown, warnAt?: number): StatBuilder {
  const steps = [
    { color: 'green', value: null },
    ...(warnAt === undefined ? [] : [{ color: 'orange', value: warnAt }]),
  ];
  const panel = new StatBuilder()
    .title(shown.title)
    .description(shown.description)
    .unit(shown.unit)
    .datasource(DATA_SOURCE)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
    .span(WIDTHS.stat)
    .height(HEIGHTS.stat);
  for (const target of toTargets(shown.queries)) panel.withTarget(target);
  return panel;
}

/** A dashboard of the last hours, without panels. Its uid is the name of its file. */
export function dashboard(uid: string, title: string): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .tags(['guise'])
    .readonly()
    .time({ from: 'now-3h', to: 'now' })
    .refresh('15s')
    .timezone('browser');
}
