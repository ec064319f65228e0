<?php
/**
 * Plugin Name: Okienko – rezerwacja wizyt
 * Description: Wolne terminy i rezerwacja wizyt w gabinecie fizjoterapii: blok „Okienko” i skrót [okienko].
 * Version: 1.0.0
 * Requires at least: 6.3
 * Requires PHP: 7.4
 * License: MIT (GPL-compatible)
 * License URI: https://opensource.org/license/mit
 */

defined( 'ABSPATH' ) || exit;

// What each attribute may hold, in the element's order; anything else is left out, so a slip in a page never breaks the booking.
const OKIENKO_OPTIONS = array(
	'service'      => '/^[A-Za-z0-9_-]{1,64}$/D',
	'practitioner' => '/^[A-Za-z0-9_-]{1,64}$/D',
	'date'         => '/^\d{4}-\d\d-\d\d$/D',
	'kind'         => '/^(consultation|visit)$/D',
	'category'     => '/^[A-Za-z0-9_-]{1,64}$/D',
	'lang'         => '/^pl$/D',
	'theme'        => '/^(light|dark|auto)$/D',
	'accent'       => '/^#[0-9a-fA-F]{6}$/D',
	'height'       => '/^(3[2-9]\d|[4-9]\d\d|[1-3]\d{3}|4000)$/D',
	'mode'         => '/^(inline|popup|float)$/D',
	'datalayer'    => '/./',
	'label'        => '/^.{1,80}$/Dsu',
);
const OKIENKO_ASKED    = array( 'service', 'practitioner', 'date', 'kind' );
const OKIENKO_SETTINGS = array( 'okienko_server' => 'Adres serwera', 'okienko_token' => 'Token placówki' );

/** Return "https://host" of what was typed (http on this machine only), or "" when it is no address of a server. */
function okienko_server( $typed ) {
	$form = '~^(https://[a-z0-9.-]+|http://(localhost|127\.0\.0\.1))(:\d{1,5})?(?=/*$)~i';
	return preg_match( $form, trim( (string) $typed ), $found ) ? $found[0] : '';
}

/** Return the token of what was typed, or "" when it cannot be one. */
function okienko_token( $typed ) {
	return preg_match( '/^[A-Za-z0-9_-]{8,468}\.[A-Za-z0-9_-]{43}$/D', trim( (string) $typed ), $found ) ? $found[0] : '';
}

/** Return the path of the page behind the plain link: the token's clinic, or the whole portal. */
function okienko_path( $token ) {
	$values = json_decode( (string) base64_decode( strtr( strtok( $token, '.' ), '-_', '+/' ) ), true );
	return isset( $values['c'] ) && is_string( $values['c'] ) ? '/g/' . rawurlencode( $values['c'] ) : '/';
}

/** Return those of the given options that have a value the widget knows. */
function okienko_known( $given ) {
	$known = array();
	foreach ( OKIENKO_OPTIONS as $name => $form ) {
		$value = is_array( $given ) && is_scalar( $given[ $name ] ?? null ) ? (string) $given[ $name ] : '';
		if ( preg_match( $form, $value ) && ( 'date' !== $name || checkdate( ...array_map( 'intval', sscanf( $value, '%3$d-%1$d-%2$d' ) ) ) ) ) {
			$known[ $name ] = $value;
		}
	}
	return $known;
}

/** Return the element with the plain link inside, for the shortcode and the block alike; nothing before the settings are made. */
function okienko_render( $given = array() ) {
	$server = okienko_server( get_option( 'okienko_server', '' ) );
	$token  = okienko_token( get_option( 'okienko_token', '' ) );
	if ( '' === $server || '' === $token ) {
		return '';
	}
	wp_enqueue_script( 'okienko', $server . '/embed/v1/okienko.js', array(), null, array( 'strategy' => 'async' ) );
	$known = okienko_known( $given );
	$asked = http_build_query( array_intersect_key( $known, array_flip( OKIENKO_ASKED ) ), '', '&' );
	$link  = $server . okienko_path( $token ) . ( $asked ? '?' . $asked : '' ) . ( isset( $known['category'] ) ? '#category=' . $known['category'] : '' );
	$shown = ' token="' . esc_attr( $token ) . '"';
	foreach ( array_keys( OKIENKO_OPTIONS ) as $name ) {
		$value  = $known[ $name ] ?? ( 'height' === $name ? '720' : '' );
		$shown .= '' === $value || 'label' === $name ? '' : ' ' . $name . '="' . esc_attr( $value ) . '"';
	}
	// The room is kept free before the loader runs, so that nothing below jumps.
	$shown .= in_array( $known['mode'] ?? '', array( 'popup', 'float' ), true ) ? '' : ' style="display:block;min-height:' . esc_attr( $known['height'] ?? '720' ) . 'px"';
	return '<okienko-booking' . $shown . '><a href="' . esc_url( $link ) . '">' . esc_html( $known['label'] ?? 'Umów wizytę' ) . '</a></okienko-booking>';
}

/** Draw the page Ustawienia → Okienko. */
function okienko_page() {
	echo '<div class="wrap"><h1>Okienko</h1><form method="post" action="options.php">';
	settings_fields( 'okienko' );
	foreach ( OKIENKO_SETTINGS as $name => $label ) {
		printf( '<p><label>%s<br><input class="regular-text" name="%s" value="%s"></label></p>', esc_html( $label ), esc_attr( $name ), esc_attr( get_option( $name, '' ) ) );
	}
	submit_button();
	echo '</form></div>';
}

add_action( 'admin_menu', function () {
	add_options_page( 'Okienko', 'Okienko', 'manage_options', 'okienko', 'okienko_page' );
} );

add_action( 'admin_init', function () {
	foreach ( OKIENKO_SETTINGS as $name => $label ) {
		$clean = function ( $typed ) use ( $name, $label ) {
			$kept = $name( $typed ); // Each setting is cleaned by the function of its own name.
			if ( '' === $kept && '' !== trim( (string) $typed ) ) {
				add_settings_error( $name, 'okienko', $label . ': to nie wygląda na poprawną wartość.' );
			}
			return $kept;
		};
		register_setting( 'okienko', $name, array( 'type' => 'string', 'default' => '', 'sanitize_callback' => $clean ) );
	}
} );

add_action( 'init', function () {
	add_shortcode( 'okienko', 'okienko_render' );
	wp_register_script( 'okienko-editor', plugins_url( 'editor.js', __FILE__ ), array( 'wp-blocks', 'wp-block-editor', 'wp-components', 'wp-element' ), '1.0.0', true );
	register_block_type( 'okienko/rezerwacja', array(
		'api_version'           => 3,
		'editor_script_handles' => array( 'okienko-editor' ),
		'render_callback'       => 'okienko_render',
		'attributes'            => array_fill_keys( array_keys( OKIENKO_OPTIONS ), array( 'type' => 'string', 'default' => '' ) ),
	) );
	$server = okienko_server( get_option( 'okienko_server', '' ) );
	if ( '' !== $server ) {
		wp_oembed_add_provider( $server . '/g/*', $server . '/oembed' );
	}
} );
