// A line over the last fifteen minutes, drawn by uPlot in the colours of the page.
import uPlot from './vendor/uplot/uPlot.mjs';
import { html, useEffect, useRef } from './html.js';
import { utc } from './format.js';

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(width, height, lines) {
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { show: false },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_, low, high) => [0, Math.max(1, (high ?? 0) * 1.1)] } },
    axes: [
      {
        ...axis,
        size: 24,
        space: 70,
        values: (_, splits) => splits.map((one) => new Date(one * 1000).toISOString().slice(11, 16)),
      },
      { ...axis, size: 40, space: 28 },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        fill: line.fill ? `${colour(line.colour)}22` : undefined,
        width: 1.5,
        // single values between gaps are seen as points only
        points: { show: line.dots ?? false, size: 5, fill: colour(line.colour) },
        spanGaps: false,
      })),
    ],
  };
}

// `lines`: [{ label, colour, fill, values }]; values are per step, in units a second
export function Chart({ until, step, lines, label, height = 150 }) {
  const place = useRef(null);
  const chart = useRef(null);
  const shown = useRef(null);
  const size = lines[0].values.length;
  const times = Array.from({ length: size }, (_, at) => until - (size - at) * step);
  const data = [times, ...lines.map((line) => line.values)];
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const make = () => {
      chart.current?.destroy();
      const made = options(place.current.clientWidth || 300, height, lines);
      made.hooks = { setCursor: [(one) => tell(one, lines, shown.current)] };
      chart.current = new uPlot(made, latest.current, place.current);
    };
    make();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', make);
    const observer = new ResizeObserver(() => {
      const width = place.current?.clientWidth;
      if (width && chart.current.width !== width) chart.current.setSize({ width, height });
    });
    observer.observe(place.current);
    return () => {
      dark.removeEventListener('change', make);
      observer.disconnect();
      chart.current.destroy();
    };
  }, []);
  useEffect(() => chart.current.setData(data), [until, lines.map((line) => line.values.join()).join(';')]);

  return html`<figure class="chart">
    <div ref=${place} role="img" aria-label=${label}></div>
    <figcaption aria-hidden="true">
      ${lines.map((line) => html`<span class="legend ${line.dots ? 'dots' : ''}"><i style=${{ background: `var(${line.colour})` }}></i>${line.label}</span>`)}
      <span ref=${shown}></span>
    </figcaption>
  </figure>`;
}

function tell(chart, lines, place) {
  const at = chart.cursor.idx;
  if (!place) return;
  if (at === null || at === undefined) {
    place.textContent = '';
    return;
  }
  const values = lines.map((line, number) => {
    const value = chart.data[number + 1][at];
    return `${line.label} ${value === null || value === undefined ? '–' : value.toFixed(1)}/s`;
  });
  place.textContent = `${utc(new Date(chart.data[0][at] * 1000))}   ${values.join('   ')}`;
}
