// A question read aloud. The clip is fetched when the link is tapped, and never before; without
// this file the link opens the clip by itself.
(() => {
  let playing, tapped;
  const stop = () => {
    playing?.pause();
    tapped?.removeAttribute("data-playing");
    playing = null;
  };
  for (const link of document.querySelectorAll("a[data-listen]")) {
    link.setAttribute("role", "button");
    link.addEventListener("keydown", (event) => {
      if (event.key === " ") event.preventDefault(), link.click();
    });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const again = playing && tapped === link;
      stop();
      if (again) return;
      tapped = link;
      link.dataset.playing = "yes";
      playing = new Audio(link.href);
      playing.addEventListener("ended", stop);
      playing.play().catch(stop);
    });
  }
})();
