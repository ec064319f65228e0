<?php
// As much of WordPress as the plugin calls. Reads {"options", "render": [attributes…], "typed": {name: [texts…]}} as JSON from
// standard input, runs the plugin named by the first argument, and writes what it printed and registered.

define( 'ABSPATH', '/' );
$asked = json_decode( stream_get_contents( STDIN ), true );
$done  = array( 'html' => array(), 'scripts' => array(), 'providers' => array(), 'shortcodes' => array(), 'blocks' => array(), 'clean' => array(), 'wrong' => array() );
$hooks = array();
$cleaners = array();

function add_action( $name, $run ) { $GLOBALS['hooks'][ $name ][] = $run; }
function add_shortcode( $tag, $run ) { $GLOBALS['done']['shortcodes'][ $tag ] = $run; }
function register_block_type( $name, $about ) { $GLOBALS['done']['blocks'][ $name ] = $about; }
function wp_register_script( $handle, $source ) { file_exists( $source ) || exit( "no file $source" ); }
function wp_enqueue_script( $handle, $source, $needs, $version, $how ) { $GLOBALS['done']['scripts'][ $handle ] = array( $source, $version, $how ); }
function wp_oembed_add_provider( $form, $answers ) { $GLOBALS['done']['providers'][ $form ] = $answers; }
function plugins_url( $name, $file ) { return dirname( $file ) . '/' . $name; }
function get_option( $name, $otherwise ) { return $GLOBALS['asked']['options'][ $name ] ?? $otherwise; }
function register_setting( $group, $name, $about ) { $GLOBALS['cleaners'][ $name ] = $about['sanitize_callback']; }
function add_settings_error( $name ) { $GLOBALS['done']['wrong'][] = $name; }
function add_options_page( $title, $menu, $right, $slug, $draw ) { $GLOBALS['done']['right'] = $right; $GLOBALS['draw'] = $draw; }
function settings_fields( $group ) { echo "<!-- nonce of $group -->"; }
function submit_button() { echo '<button>'; }
// WordPress' own leave an entity that is there already as it is.
function esc_attr( $text ) { return htmlspecialchars( $text, ENT_QUOTES, 'UTF-8', false ); }
function esc_html( $text ) { return htmlspecialchars( $text, ENT_QUOTES, 'UTF-8', false ); }
function esc_url( $url ) {
	$clean = preg_replace( '|[^a-z0-9-~+_.?#=!&;,/:%@$\|*\'()\[\]\\x80-\\xff]|i', '', $url );
	return preg_match( '~^https?://~', $clean ) ? str_replace( array( '&', "'" ), array( '&#038;', '&#039;' ), $clean ) : '';
}

require $argv[1];
foreach ( array( 'init', 'admin_menu', 'admin_init' ) as $name ) {
	foreach ( $hooks[ $name ] ?? array() as $run ) { $run(); }
}
foreach ( $asked['render'] ?? array() as $given ) {
	$done['html'][] = $done['shortcodes']['okienko']( $given, '', 'okienko' );
}
foreach ( $asked['typed'] ?? array() as $name => $texts ) {
	foreach ( $texts as $text ) { $done['clean'][ $name ][] = $cleaners[ $name ]( $text ); }
}
ob_start();
$draw();
$done['page'] = ob_get_clean();
echo json_encode( $done );
