// In WordPress' frame (sandbox="allow-scripts") nothing opens a window: the page around is told the height and the tapped link.
// WordPress itself follows a link only to this frame's own host, and only while the frame has the focus.
(function () {
'use strict';
var found = /[#?&]secret=([A-Za-z0-9]+)/.exec(location.hash);
if (!found || parent === window) return;
var card = document.querySelector('main');
var last = 0;
function tell(message, value) {
  parent.postMessage({ message: message, value: value, secret: found[1] }, '*');
}
function measure() {
  var height = Math.ceil(card.getBoundingClientRect().height);
  if (height !== last) tell('height', last = height);
}
new ResizeObserver(measure).observe(card);
measure();
document.addEventListener('click', function (event) {
  var link = event.target.closest('a[target]');
  if (!link) return;
  event.preventDefault();
  tell('link', link.href);
});
})();
