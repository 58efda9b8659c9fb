// The clients of EightFailures that are libraries: OkHttp, Apache HttpClient 4 and 5.
import java.util.concurrent.TimeUnit;
import javax.net.ssl.*;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

class Libraries {
    static EightFailures.Client okhttp(SSLContext context, X509TrustManager trust) {
        OkHttpClient client = new OkHttpClient.Builder().sslSocketFactory(context.getSocketFactory(), trust)
            .readTimeout(EightFailures.LIMIT).retryOnConnectionFailure(false).build();
        return url -> {
            try (Response response = client.newCall(new Request.Builder().url(url).build()).execute()) {
                response.body().bytes();
                EightFailures.check(response.code());
            }
        };
    }

    static EightFailures.Client apache4(SSLContext context, X509TrustManager trust) {
        var config = org.apache.http.client.config.RequestConfig.custom()
            .setSocketTimeout((int) EightFailures.LIMIT.toMillis()).build();
        var client = org.apache.http.impl.client.HttpClients.custom().setSSLContext(context).disableAutomaticRetries()
            .setDefaultRequestConfig(config).build();
        return url -> {
            try (var response = client.execute(new org.apache.http.client.methods.HttpGet(url))) {
                org.apache.http.util.EntityUtils.toByteArray(response.getEntity());
                EightFailures.check(response.getStatusLine().getStatusCode());
            }
        };
    }

    static EightFailures.Client apache5(SSLContext context, X509TrustManager trust) {
        var sockets = new org.apache.hc.client5.http.ssl.SSLConnectionSocketFactory(context);
        var manager = org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder.create()
            .setSSLSocketFactory(sockets).build();
        var config = org.apache.hc.client5.http.config.RequestConfig.custom()
            .setResponseTimeout(EightFailures.LIMIT.toMillis(), TimeUnit.MILLISECONDS).build();
        var client = org.apache.hc.client5.http.impl.classic.HttpClients.custom().setConnectionManager(manager)
            .disableAutomaticRetries().setDefaultRequestConfig(config).build();
        return url -> client.execute(new org.apache.hc.client5.http.classic.methods.HttpGet(url), response -> {
            org.apache.hc.core5.http.io.entity.EntityUtils.toByteArray(response.getEntity());
            EightFailures.check(response.getCode());
            return null;
        });
    }
}
