// The block in the editor: how it opens and what the link says. Visitors get what PHP prints (render_callback).
(function (blocks, editor, components, element) {
  var make = element.createElement;
  var modes = [
    { value: '', label: 'w treści strony' },
    { value: 'popup', label: 'w oknie po kliknięciu' },
    { value: 'float', label: 'przycisk w rogu strony' },
  ];
  blocks.registerBlockType('okienko/rezerwacja', {
    apiVersion: 3,
    title: 'Okienko – rezerwacja wizyty',
    icon: 'calendar-alt',
    category: 'widgets',
    edit: function (block) {
      function field(control, name, label, more) {
        return make(control, Object.assign({
          key: name,
          label: label,
          value: block.attributes[name] || '',
          onChange: function (value) { var change = {}; change[name] = value; block.setAttributes(change); },
        }, more));
      }
      return make('div', editor.useBlockProps(), [
        make(editor.InspectorControls, { key: 'options' }, make(components.PanelBody, { title: 'Okienko' }, [
          field(components.SelectControl, 'mode', 'Gdzie się otwiera', { options: modes }),
          field(components.TextControl, 'label', 'Napis na przycisku'),
          field(components.TextControl, 'service', 'Tylko usługa (identyfikator)'),
          field(components.TextControl, 'practitioner', 'Tylko terapeuta (identyfikator)'),
        ])),
        make('p', { key: 'text' }, '🗓 ' + (block.attributes.label || 'Umów wizytę') + ' – w tym miejscu stanie okno rezerwacji.'),
      ]);
    },
    save: function () { return null; },
  });
})(window.wp.blocks, window.wp.blockEditor, window.wp.components, window.wp.element);
