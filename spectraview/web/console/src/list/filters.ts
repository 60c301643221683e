/** The filters of the list: the API's parameters, kept in the console's address. */

export const SWITCHES = ['live', 'hasErrors', 'hasRageClicks', 'hasDeadClicks'] as const;
export const FIELDS = [
  'appId',
  'userId',
  'ticketId',
  'customEvent',
  'from',
  'to',
  'minDuration',
] as const;

export type Filter = (typeof SWITCHES)[number] | (typeof FIELDS)[number] | 'q';

export const INPUT_TYPES: Partial<Record<Filter, string>> = {
  from: 'date',
  to: 'date',
  minDuration: 'number',
};

const ALL: readonly Filter[] = ['q', ...SWITCHES, ...FIELDS];

/** Return what the API knows of an address's parameters. */
export function filtersOf(query: URLSearchParams): URLSearchParams {
  const known = new URLSearchParams();
  for (const name of ALL) {
    const value = query.get(name)?.trim();
    if (value) known.set(name, value);
  }
  return known;
}

/** Return the filters with one of them changed; an empty value takes it away. */
export function changed(filters: URLSearchParams, name: Filter, value: string): URLSearchParams {
  const copy = new URLSearchParams(filters);
  if (value.trim()) copy.set(name, value.trim());
  else copy.delete(name);
  return copy;
}
