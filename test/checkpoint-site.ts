import type { Session } from '@guise/contract';

/** A page that counts its visits in every way a site can remember, and is long enough to be scrolled. */
export const REMEMBERING_PAGE = `<!doctype html><title>Remembers</title><body style="height: 5000px"><script>
  localStorage.visits = Number(localStorage.visits ?? 0) + 1;
  sessionStorage.visits = Number(sessionStorage.visits ?? 0) + 1;
  document.cookie = 'seen=yes; path=/';
</script>`;

/** What such a page has to say, as an expression. */
export const REMEMBERED = `({
  url: location.href,
  local: localStorage.getItem('name'),
  visits: [localStorage.visits, sessionStorage.visits],
  session: sessionStorage.getItem('name'),
  cookie: document.cookie,
  scroll: Math.round(scrollY),
  history: history.length,
  userAgent: navigator.userAgent,
})`;

/** Has a page of a session remember something. */
export const REMEMBER = `localStorage.setItem('name', 'kept "locally" ✓');
  sessionStorage.setItem('name', 'kept in the tab');
  document.cookie = 'token=secret; path=/';
  scrollTo(0, 1234); 1`;

/** What the page is to say on whichever node the session is: it has been loaded once more. */
export function rememberedAt(url: string, { identity }: Session): object {
  return {
    url,
    local: 'kept "locally" ✓',
    visits: ['2', '2'],
    session: 'kept in the tab',
    cookie: 'seen=yes; token=secret',
    scroll: 1234,
    history: 1,
    userAgent: identity?.userAgent ?? '',
  };
}
