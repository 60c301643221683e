/** The console's icons; a text beside them or a label says what they mean. */

const PATHS = {
  play: 'M8 5.5v13l11-6.5z',
  pause: 'M8 5h3v14H8zM14 5h3v14h-3z',
  replay: 'M12 5V2L7 6.5 12 11V8a5 5 0 1 1-5 5H4a8 8 0 1 0 8-8z',
  back: 'M12.5 6.5v11L4 12zM21 6.5v11L12.5 12z',
  forward: 'M11.5 6.5v11L20 12zM3 6.5v11l8.5-5.5z',
  fullscreen: 'M4 9V4h5v2H6v3zM15 4h5v5h-2V6h-3zM18 15h2v5h-5v-2h3zM6 15v3h3v2H4v-5z',
  share: 'M14 4l7 6.5-7 6.5v-4c-5 0-8.500 1.500-11 5 .7-5.500 4-9.500 11-10z',
  left: 'M15 5l-7 7 7 7 1.500-1.500L11 12l5.500-5.500z',
  search:
    'M10 3a7 7 0 1 0 4.400 12.500L20 21l1.400-1.400-5.500-5.600A7 7 0 0 0 10 3zm0 2a5 5 0 1 1 0 10 5 5 0 0 1 0-10z',
  filter: 'M3 5h18v2H3zM6 11h12v2H6zM10 17h4v2h-4z',
  viewers:
    'M12 5C6.500 5 2.700 9.600 1.500 12c1.200 2.400 5 7 10.500 7s9.300-4.600 10.500-7C21.300 9.600 17.500 5 12 5zm0 11a4 4 0 1 1 0-8 4 4 0 0 1 0 8z',
  error: 'M12 2 1.500 21h21zm-1 8h2v5h-2zm0 6.500h2v2h-2z',
  rageClick: 'M13 2 4 14h6l-1 8 9-12h-6z',
  deadClick: 'M5 3l6 16 2-6.500 6-2zM16.500 15.500l4 4-1.400 1.400-4-4z',
  signOut: 'M4 4h9v2H6v12h7v2H4zM16 8l5 4-5 4v-3H10v-2h6z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="currentColor" />
    </svg>
  );
}

export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path
        d="M6 16h5l3-8 5 16 3-8h4"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
