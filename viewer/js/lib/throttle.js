/** Running something at most so often: at once, then again at the end of the interval if it was asked for. */

/**
 * @param {() => void} run
 * @param {number} ms the interval
 * @param {object} clock `now`, `setTimeout`, `clearTimeout`
 * @returns {{(): void, cancel: () => void}} asks for a run; `cancel` drops one that waits
 */
export function throttled(run, ms, clock) {
  let timer = null;
  let last = -Infinity;
  const fire = () => {
    timer = null;
    last = clock.now();
    run();
  };
  const ask = () => {
    if (timer !== null) return;
    const due = last + ms - clock.now();
    if (due <= 0) fire();
    else timer = clock.setTimeout(fire, due);
  };
  ask.cancel = () => {
    clock.clearTimeout(timer);
    timer = null;
  };
  return ask;
}
