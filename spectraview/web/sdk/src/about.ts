/** Return what a session's start tells about the page and the browser. */
export function about(): Record<string, unknown> {
  return {
    url: location.href,
    referrer: document.referrer,
    title: document.title,
    userAgent: navigator.userAgent,
    language: navigator.language,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    screen: { width: screen.width, height: screen.height, pixelRatio: devicePixelRatio },
    viewport: { width: innerWidth, height: innerHeight },
  };
}
