/** Asking again: what no stream tells is asked for every so often, while somebody looks. */

/** Call `load` now, every `ms` while the page is shown, and when it is shown again. Returns what ends that. */
export function polled(load, ms) {
  const onShown = () => !document.hidden && load();
  document.addEventListener("visibilitychange", onShown);
  const timer = setInterval(onShown, ms);
  load();
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", onShown);
  };
}
